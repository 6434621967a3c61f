# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""Software from Debian's archive without installing it on the machine.

Odoo 19 and Asterisk 22 are in Debian's suite ``sid``, whose packages must not be
mixed into a stable machine. They are fetched with an apt configuration of our own
(same mirror, same archive keys, nothing of the machine's package database) and
unpacked into a folder. Programs of such a tree are run by the tree's own dynamic
loader, since its C library may be newer than the machine's.
"""

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

from .console import Problem, run, step
from .paths import SANDBOX

SUITE = "sid"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def has_apt():
    return bool(shutil.which("apt-get") and shutil.which("dpkg-deb"))


def as_root(command):
    """The same command, through sudo where we are not root ourselves."""
    if os.geteuid() == 0:
        return command
    if not shutil.which("sudo"):
        words = " ".join(command)
        raise Problem(f"System packages are missing. Run as root: {words}")
    return ["sudo", *command]


def install(packages):
    """Install system packages without starting any service they bring."""
    if not has_apt():
        raise Problem(f"Please install: {' '.join(packages)}")
    policy = Path("/usr/sbin/policy-rc.d")
    with step(f"system packages {' '.join(packages)}"):
        run(as_root(["apt-get", "update", "-qq"]))
        own_policy = not policy.exists()
        if own_policy:
            # Debian's own way to say "install, but start nothing".
            script = f"printf '#!/bin/sh\\nexit 101\\n' > {policy}; chmod 755 {policy}"
            run(as_root(["sh", "-c", script]))
        try:
            command = ["apt-get", "install", "-y", "-q", "--no-install-recommends"]
            run(as_root(["env", "DEBIAN_FRONTEND=noninteractive", *command, *packages]))
        finally:
            if own_policy:
                run(as_root(["rm", "-f", str(policy)]))


class Archive:
    """Packages of one suite, seen by an apt that knows nothing of the machine."""

    def __init__(self):
        self.home = SANDBOX / "apt"
        self.config = self.home / "apt.conf"

    def unpack(self, target, packages, dependencies):
        """Unpack *packages*, with all they depend on if asked, into *target*.

        The work is done beside the target and moved into place at the end, so that
        an interrupted set-up is never mistaken for a complete one.
        """
        marker = target / ".packages"
        wanted = "\n".join([SUITE, *packages, ""])
        if marker.exists() and marker.read_text() == wanted:
            return
        self._prepare()
        fetched = self._fetch(packages, dependencies)
        with step(f"unpack {len(fetched)} packages into {target.name}/"):
            fresh = target.with_name(target.name + ".new")
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(parents=True)
            for package in fetched:
                run(["dpkg-deb", "-x", package, fresh])
            (fresh / ".packages").write_text(wanted)
            shutil.rmtree(target, ignore_errors=True)
            fresh.rename(target)
        for package in fetched:
            package.unlink()

    def _fetch(self, packages, dependencies):
        with step(f"download {' '.join(packages[:3])}{' …' * (len(packages) > 3)}"):
            folder = self.home / "cache" / "archives"
            for old in folder.glob("*.deb"):
                old.unlink()
            if dependencies:
                self._apt("install", "-y", "--download-only", *packages)
            else:
                self._apt("download", *packages, cwd=folder)
            return sorted(folder.glob("*.deb"))

    def _prepare(self):
        """Write the configuration and fetch the package lists."""
        for folder in ("lists/partial", "cache/archives/partial", "sources"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        # An empty database: dependencies are resolved as for an empty machine.
        (self.home / "status").write_text("")
        (self.home / "sources" / f"{SUITE}.sources").write_text(
            f"Types: deb\nURIs: {_mirror()}\nSuites: {SUITE}\nComponents: main\n"
            f"Signed-By: {KEYRING}\n"
        )
        self.config.write_text(
            'Dir::Etc::sourcelist "/dev/null";\n'
            f'Dir::Etc::sourceparts "{self.home}/sources";\n'
            'Dir::Etc::preferences "/dev/null";\n'
            'Dir::Etc::preferencesparts "/dev/null";\n'
            f'Dir::State "{self.home}";\n'
            f'Dir::State::status "{self.home}/status";\n'
            f'Dir::State::lists "{self.home}/lists";\n'
            f'Dir::Cache "{self.home}/cache";\n'
            'APT::Install-Recommends "false";\n'
            'APT::Sandbox::User "root";\n'
            'Acquire::Languages "none";\n'
            'Debug::NoLocking "true";\n'
        )
        with step(f"package lists of Debian {SUITE}"):
            try:
                self._apt("update")
            except Problem as problem:
                if not re.search("NO_PUBKEY|not signed|no longer signed", str(problem)):
                    raise
                # The machine's archive keys are older than the suite's signature.
                # The newer keys come as a package that the old keys vouch for.
                install(["debian-archive-keyring"])
                self._apt("update")

    def _apt(self, *words, **options):
        environment = {**os.environ, "APT_CONFIG": str(self.config)}
        # Errors of a single list are only warnings to "update" unless told so.
        strict = ["-o", "APT::Update::Error-Mode=any"] if words[0] == "update" else []
        return run(["apt-get", "-q", *strict, *words], env=environment, **options)


def _mirror():
    """The Debian mirror that the machine itself is configured to use."""
    if mirror := os.environ.get("DEBIAN_MIRROR"):
        return mirror
    if not has_apt():
        raise Problem("Needs a Debian machine; or set ODOO_PATH and install asterisk.")
    ask = ["apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)"]
    lines = run([*ask, "Created-By: Packages"]).splitlines()
    if not lines:
        run(as_root(["apt-get", "update", "-qq"]))
        lines = run([*ask, "Created-By: Packages"]).splitlines()
    for line in lines:
        label, _, address = line.partition(" ")
        if label == "Debian":
            return address
    raise Problem("No Debian mirror is configured in apt; set DEBIAN_MIRROR=<address>.")


class Tree:
    """An unpacked folder of packages, and how to run programs that are in it."""

    def __init__(self, root):
        self.root = Path(root)
        triplets = self.root.glob("usr/lib/*-linux-gnu*")
        machine = platform.machine()
        self.libraries = next(
            (path for path in sorted(triplets) if path.name.startswith(machine)),
            self.root / "usr" / "lib",
        )

    def command(self, program, *library_folders):
        """The words that run */usr/bin/program* with the tree's own libraries."""
        loader = next(iter(sorted(self.root.glob("usr/lib*/ld-linux-*.so.*"))), None)
        loader = loader or next(iter(sorted(self.libraries.glob("ld-linux-*.so.*"))))
        folders = [self.libraries, *(self.libraries / name for name in library_folders)]
        path = ":".join(str(folder) for folder in folders)
        return [str(loader), "--library-path", path, str(self.root) + program]


def version_of(program):
    """The first version number a program tells about itself, as a tuple, or ()."""
    path = shutil.which(program)
    if not path:
        return ()
    flag = {"asterisk": "-V", "sipp": "-v"}.get(program, "--version")
    said = subprocess.run([path, flag], capture_output=True, text=True).stdout
    found = re.search(r"(\d+)\.(\d+)", said)
    return tuple(int(part) for part in found.groups()) if found else ()
