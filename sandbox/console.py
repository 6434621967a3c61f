# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""What the person at the keyboard sees: progress, and problems in one line."""

import contextlib
import subprocess
import sys
import time


class Problem(Exception):
    """Something only the user can settle; its text says what to do."""


@contextlib.contextmanager
def step(text):
    """Announce what begins now and, at its end, how long it took."""
    print(f"  {text} …", end="", flush=True)
    start = time.monotonic()
    try:
        yield
    except BaseException:
        print(" failed", flush=True)
        raise
    print(f" {time.monotonic() - start:.1f} s", flush=True)


def run(command, **options):
    """Run quietly and return what it printed; on failure show the output's end."""
    done = subprocess.run(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        stdin=subprocess.DEVNULL,
        **options,
    )
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-15:])
        words = " ".join(str(word) for word in command)
        raise Problem(f"{words[:200]} ended with {done.returncode}:\n{tail}")
    return done.stdout


def warn(text):
    print(text, file=sys.stderr, flush=True)
