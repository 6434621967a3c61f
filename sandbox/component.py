# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""A process of an instance: start it, wait until it answers, stop it."""

import os
import signal
import subprocess
import time
from pathlib import Path

from .console import Problem


class Component:
    """A process of an instance, in the background or as this very process.

    Its pid is noted together with its start time, so that a number which the kernel
    has given to another process since is never sent a signal.
    """

    name = None
    stop_signal = signal.SIGTERM
    start_timeout = 60
    _processes = {}
    """Children of this Python process by pid, to be reaped when they end."""

    def __init__(self, instance):
        self.instance = instance

    # To be told by each component:

    def prepare(self):
        """Write the configuration; called before each start."""

    def command(self):
        """The words and the environment to run."""
        raise NotImplementedError

    def is_ready(self):
        """Whether it answers."""
        return True

    # The same for all:

    @property
    def pid_file(self):
        return self.instance.home / "pids" / self.name

    @property
    def log_file(self):
        return self.instance.logs / f"{self.name}.log"

    @property
    def pid(self):
        """The pid of the running process, or None."""
        try:
            pid, started = self.pid_file.read_text().split()
        except (FileNotFoundError, ValueError):
            return None
        return int(pid) if _start_time(int(pid)) == started else None

    def start(self, wait=True):
        """Start in the background, unless it runs already."""
        if self.pid:
            return self
        self.instance.make_home()
        self.prepare()
        words, environment = self.command()
        with self.log_file.open("ab") as log:
            process = subprocess.Popen(
                words,
                env=environment,
                cwd=self.instance.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._processes[process.pid] = process
        self._note(process.pid)
        if wait:
            self.wait_ready()
        return self

    def run_in_foreground(self):
        """Become the process; for the supervisor."""
        if self.pid:
            raise Problem(f"{self.name} of instance {self.instance.name} runs already.")
        self.instance.make_home()
        self.prepare()
        words, environment = self.command()
        self._note(os.getpid())
        os.chdir(self.instance.home)
        os.execvpe(words[0], words, environment)

    def wait_ready(self):
        deadline = time.monotonic() + self.start_timeout
        while not self.is_ready():
            if not self.pid:
                raise Problem(f"{self.name} ended at once:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise Problem(f"{self.name} is not ready:\n{self.log_tail()}")
            time.sleep(0.1)

    def stop(self, timeout=20):
        """Ask it to end; insist after *timeout* seconds."""
        self._end(self.stop_signal, timeout)

    def kill(self):
        """What a power cut does to it."""
        self._end(signal.SIGKILL, 10)

    def restart(self):
        self.stop()
        return self.start()

    def log_tail(self, lines=20):
        if not self.log_file.exists():
            return ""
        text = self.log_file.read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def _note(self, pid):
        self.pid_file.write_text(f"{pid} {_start_time(pid)}")

    def _end(self, first_signal, timeout):
        pid = self.pid
        if not pid:
            return
        os.kill(pid, first_signal)
        deadline = time.monotonic() + timeout
        while self.pid:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
                deadline = float("inf")
            time.sleep(0.05)
        self.pid_file.unlink(missing_ok=True)
        if process := self._processes.pop(pid, None):
            process.wait()
            return
        # Of an orphan the number lives on until init has taken note of its end, and
        # PostgreSQL, for one, does not start while it does.
        for _attempt in range(100):
            if not Path(f"/proc/{pid}").exists():
                break
            time.sleep(0.1)


def _start_time(pid):
    """The kernel's start tick of a process; None when it is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else fields[19]
