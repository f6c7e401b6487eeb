"""Commands for work on the code: programs in .venv that run in the repository's folder."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
from collections.abc import Sequence

from tools.launcher.environment import ROOT, VENV
from tools.launcher.errors import LauncherError

# Tests wait for processes and deadlines more than they compute.
WORKERS = "6"
CACHES = (".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis")
# --universal: one file for every system and Python. Versions stay as they are without --upgrade.
LOCK = (
    "uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--python-version=3.11",
    "--custom-compile-command=./switchboard lock",
)  # fmt: skip


def test(arguments: Sequence[str]) -> int:
    """Run pytest: all quick tests in several workers, or what the arguments name in one process."""
    return _tests("not browser and not slow and not database", arguments)


def test_database(arguments: Sequence[str]) -> int:
    """Run the tests of the tools for the database."""
    return _tests("database", arguments, "tests/tools/database")


def test_slow(arguments: Sequence[str]) -> int:
    """Run the tests marked slow."""
    return _tests("slow and not database", arguments)


def test_browser(arguments: Sequence[str]) -> int:
    """Run the tests that need Chromium."""
    return _run("pytest", "-m", "browser", *(arguments or ["tests/browser"]))


def lint(arguments: Sequence[str]) -> int:
    """Check style, format and types; the first that fails ends it."""
    where = arguments or ["."]
    return _run("ruff", "check", *where) or _run("ruff", "format", "--check", *where) or _run("mypy")


def format_code(arguments: Sequence[str]) -> int:
    """Format the code; what ruff cannot repair by itself is left for `lint` to report."""
    where = arguments or ["."]
    _run("ruff", "check", "--fix", "--quiet", *where)
    return _run("ruff", "format", *where)


def lock(arguments: Sequence[str]) -> int:
    """Write the lock files; what the functions have, the others have in the same version."""
    parser = argparse.ArgumentParser(prog="./switchboard lock")
    parser.add_argument("--upgrade", action="store_true", help="newest versions of what no .in file pins")
    upgrade = ["--upgrade"] if parser.parse_args(arguments).upgrade else []
    functions = _run(*LOCK, *upgrade, "requirements.in", "-o", "requirements.txt")
    return functions or max(
        _run(*LOCK, *upgrade, "-c", "requirements.txt", f"{name}.in", "-o", f"{name}.txt")
        for name in ("requirements-database", "requirements-dev")
    )


def clean(arguments: Sequence[str]) -> int:
    """Remove .venv and caches; something typed after it was meant otherwise, so it removes nothing."""
    if arguments:
        raise LauncherError("clean takes no arguments.")
    for name in (".venv", *CACHES):
        path = ROOT / name
        if path.is_symlink():
            path.unlink()
        else:
            shutil.rmtree(path, ignore_errors=True)
    return 0


def _tests(marker: str, arguments: Sequence[str], *folders: str) -> int:
    """Run the tests with a marker in several workers, each of which collects `folders` or all tests."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--workers", default=WORKERS)
    own, rest = parser.parse_known_args(arguments)
    if any(not word.startswith("-") for word in rest):
        return _run("pytest", "-m", marker, *rest)
    return _run("pytest", "-n", own.workers, "--dist", "loadfile", "-m", marker, *rest, *folders)


def _run(program: str, *arguments: str) -> int:
    """Run a program of .venv in the repository's folder and return its exit status."""
    path = VENV / "bin" / program
    command = [str(VENV / "bin" / "python"), "-m", program] if program == "pytest" else [str(path)]
    # With compiled files a function starts, and pytest collects, in about half the time.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run([*command, *arguments], cwd=ROOT, env=env, check=False).returncode
