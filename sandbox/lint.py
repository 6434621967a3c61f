# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""``make lint``: what can be told about the code without running it."""

import csv
import re
import subprocess

from .paths import ADDONS, PYTHON, ROOT

NOT_OURS = "manifest-required-author,missing-readme"
"""What pylint-odoo asks of the association's members only; our readme is in readme/."""

COVERAGE = ROOT / "docs" / "coverage.csv"
"""Which test and which page of the manual stand for each promise."""


def checks():
    """(name, function that returns the complaints) of every check."""
    python = ["addons", "sandbox", "tests"]
    module = [str(PYTHON), "-m"]
    pylint = [*module, "pylint", "--rcfile=pyproject.toml", f"--disable={NOT_OURS}"]
    tools = [
        ("ruff check", [*module, "ruff", "check", "--no-cache", *python]),
        ("ruff format", [*module, "ruff", "format", "--no-cache", "--check", *python]),
        ("pylint-odoo", [*pylint, *_packages()]),
    ]
    if scripts := _scripts(".js"):
        tools.append(("eslint", ["npx", "--no-install", "eslint", *scripts]))
    if scripts := _scripts(".js", ".scss"):
        words = ["npx", "--no-install", "prettier", "--check", "--log-level=warn"]
        tools.append(("prettier", [*words, *scripts]))
    for name, words in tools:
        yield name, lambda words=words: _complaints(words)
    yield "coverage.csv", coverage


def _complaints(words):
    done = subprocess.run(
        words,
        cwd=ROOT,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if not done.returncode:
        return []
    return done.stdout.splitlines() or [f"{words[0]} ended with {done.returncode}"]


def _packages():
    return sorted(str(path.parent) for path in ADDONS.glob("*/__manifest__.py"))


def _scripts(*suffixes):
    """Our own files of the web client, without the libraries we ship."""
    return sorted(
        str(path.relative_to(ROOT))
        for part in ("src", "tests")
        for path in ADDONS.glob(f"*/static/{part}/**/*")
        if path.suffix in suffixes
    )


def coverage():
    """Each promise names a test and a page of the manual, and both exist.

    A test is ``path`` or ``path::name``, where the name is that of a function, a class
    or, in JavaScript, the text of a test.
    """
    if not COVERAGE.exists():
        return [f"{COVERAGE.relative_to(ROOT)} is missing"]
    complaints = []
    with COVERAGE.open(newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            for problem in _row_problems(row):
                complaints.append(f"docs/coverage.csv:{number}: {problem}")
    return complaints


def _row_problems(row):
    columns = ("requirement", "promise", "test", "manual")
    if missing := [name for name in columns if not (row.get(name) or "").strip()]:
        yield f"empty: {', '.join(missing)}"
        return
    for test in row["test"].split():
        path, _, name = test.partition("::")
        if not (ROOT / path).is_file():
            yield f"no such test file: {path}"
            continue
        text = (ROOT / path).read_text()
        for part in filter(None, name.split("::")):
            words = part.replace("_", "[_ ]")
            if not re.search(rf"(def|class) {part}\b|test\([\"'`]{words}", text):
                yield f"{path} has no test {part}"
    for page in row["manual"].split():
        path, _, anchor = page.partition("#")
        if not (ROOT / path).is_file():
            yield f"no such page: {path}"
        elif anchor and anchor not in _anchors((ROOT / path).read_text()):
            yield f"{path} has no section #{anchor}"


def _anchors(text):
    """The names by which a Markdown page's sections are linked."""
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", heading.strip().lower())
        yield plain.replace(" ", "-")
