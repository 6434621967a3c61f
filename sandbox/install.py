# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""``make setup``: fetch what a call centre is made of. Safe to repeat.

Every part is first looked for on the machine and only fetched if it is missing or
too old, and nothing that is fetched leaves ``.sandbox/`` but system packages.
"""

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from .console import Problem, run, step
from .debian import Archive, Tree, install, version_of
from .paths import (
    ASTERISK_TREE,
    ODOO_SCRIPT,
    ODOO_TREE,
    PYTHON,
    ROOT,
    SANDBOX,
    VENV,
)

ODOO_PACKAGES = [
    "odoo-19",
    # Odoo's addons link to files of these packages.
    "libjs-jquery",
    "libjs-jquery-form",
    "libjs-underscore",
    "fonts-font-awesome",
    "fonts-roboto-unhinted",
    "fonts-montserrat",
    "fonts-inconsolata",
    "fonts-ocr-b",
]
ASTERISK_PACKAGES = [
    "asterisk",
    "asterisk-core-sounds-en-gsm",
    "asterisk-moh-opsound-gsm",
    "sip-tester",
    "nginx",
]
OLDEST_ASTERISK = (20, 0)
OLDEST_POSTGRESQL = 13


def setup(development=False):
    """Make the machine ready to run and, if *development*, to test and lint."""
    SANDBOX.mkdir(exist_ok=True)
    _system_packages(development)
    _virtual_environment(development)
    _odoo()
    if not asterisk_on_machine():
        Archive().unpack(ASTERISK_TREE, ASTERISK_PACKAGES, dependencies=True)
    if development:
        _node_modules()


# ------------------------------------------------------------
# SYSTEM PACKAGES
# ------------------------------------------------------------


def _system_packages(development):
    missing = []
    if not postgresql_programs():
        missing.append("postgresql")
    if not importlib.util.find_spec("ensurepip"):
        missing.append("python3-venv")
    if development:
        if not chromium():
            missing.append("chromium")
        if not any(Path("/usr/share/fonts").rglob("NotoSansCJK*")):
            missing.append("fonts-noto-cjk")
        missing += [
            package
            for package, program in (("nodejs", "node"), ("npm", "npm"))
            if not shutil.which(program)
        ]
    if missing:
        install(missing)


def postgresql_programs():
    """The folder with the newest server's ``initdb`` and ``postgres``, or None."""
    found = {}
    for folder in Path("/usr/lib/postgresql").glob("*/bin"):
        version = folder.parent.name
        if version.isdigit() and (folder / "initdb").exists():
            found[int(version)] = folder
    newest = max(found, default=0)
    return found[newest] if newest >= OLDEST_POSTGRESQL else None


def chromium():
    """The browser that drives the web client in the tests."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


# ------------------------------------------------------------
# PYTHON
# ------------------------------------------------------------


def _virtual_environment(development):
    if sys.version_info < (3, 11):  # noqa: UP036
        raise Problem("Needs Python 3.11 or newer: make PYTHON=/usr/bin/python3.x …")
    if not PYTHON.exists():
        with step("virtual environment"):
            run([sys.executable, "-m", "venv", VENV])
    files = [ROOT / "requirements.txt"]
    if development:
        files.append(ROOT / "requirements-dev.txt")
    for file in files:
        marker = VENV / f".{file.stem}"
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        if marker.exists() and marker.read_text() == digest:
            continue
        with step(f"Python packages of {file.name}"):
            run([PYTHON, "-m", "pip", "install", "-q", "-r", file])
        marker.write_text(digest)


# ------------------------------------------------------------
# ODOO
# ------------------------------------------------------------


def _odoo():
    """Make ``import odoo`` work in the virtual environment."""
    source = _odoo_source()
    if not source:
        Archive().unpack(ODOO_TREE, ODOO_PACKAGES, dependencies=False)
        source = ODOO_TREE / "usr/lib/python3/dist-packages"
    packages = run([PYTHON, "-c", "import site; print(site.getsitepackages()[0])"])
    (Path(packages.strip()) / "odoo.pth").write_text(f"{source}\n")
    ODOO_SCRIPT.write_text(
        f"#!{PYTHON}\nimport odoo.cli\n\n"
        'if __name__ == "__main__":\n    odoo.cli.main()\n'
    )
    ODOO_SCRIPT.chmod(0o755)


def _odoo_source():
    """The folder that holds the package ``odoo``: as told, or found on the machine."""
    if told := os.environ.get("ODOO_PATH"):
        source = Path(told).resolve()
        if _series(source) != "19.0":
            raise Problem(f"ODOO_PATH={told} holds no Odoo 19 (no odoo/release.py).")
        return source
    if program := shutil.which("odoo"):
        first = Path(program).read_text(errors="replace").splitlines()[0]
        interpreter = first.removeprefix("#!").strip() or sys.executable
        ask = "import odoo.release as r; print(r.__file__)"
        words = [*interpreter.split(), "-c", ask]
        said = subprocess.run(words, capture_output=True, text=True, cwd="/")
        source = Path(said.stdout.strip() or "/").parent.parent
        if _series(source) == "19.0":
            return source
    return None


def _series(source):
    release = source / "odoo" / "release.py"
    if not release.exists():
        return ""
    names = {}
    exec(release.read_text(), names)  # Odoo's own version file
    return "{}.{}".format(*names["version_info"][:2])


# ------------------------------------------------------------
# ASTERISK
# ------------------------------------------------------------


def asterisk_on_machine():
    """Whether the machine itself has what the telephone side needs."""
    recent = version_of("asterisk") >= OLDEST_ASTERISK
    return recent and bool(shutil.which("sipp")) and bool(shutil.which("nginx"))


def program(name):
    """The words that run one of *asterisk*, *sipp*, *nginx*."""
    if asterisk_on_machine():
        return [shutil.which(name)]
    folder = "/usr/bin/" if name == "sipp" else "/usr/sbin/"
    return Tree(ASTERISK_TREE).command(folder + name, "asterisk")


def asterisk_share():
    """Where the Asterisk in use keeps its modules, sounds and documentation."""
    if asterisk_on_machine():
        modules = sorted(Path("/usr/lib").glob("**/asterisk/modules"))
        if not modules:
            raise Problem("asterisk is installed, but no asterisk/modules in /usr/lib.")
        return modules[0], Path("/usr/share/asterisk")
    tree = Tree(ASTERISK_TREE)
    return tree.libraries / "asterisk" / "modules", tree.root / "usr/share/asterisk"


# ------------------------------------------------------------
# JAVASCRIPT TOOLS
# ------------------------------------------------------------


def _node_modules():
    lock = ROOT / "package-lock.json"
    if not lock.exists():
        return
    marker = ROOT / "node_modules" / ".sandbox"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if marker.exists() and json.loads(marker.read_text()) == digest:
        return
    with step("JavaScript tools of package-lock.json"):
        run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=ROOT)
    marker.write_text(json.dumps(digest))
