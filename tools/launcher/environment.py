"""The environment in .venv: whether it is complete, and how it is made or repaired."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tools.launcher import install
from tools.launcher.errors import LauncherError

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements-dev.txt"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
# Written when everything is installed. Holds what was installed, and for which Python.
STAMP = VENV / ".installed"
OLDEST = (3, 11)
CHECK_SECONDS = 60
VENV_SECONDS = 300


def is_ready() -> bool:
    """Return whether this process runs in .venv and everything in requirements-dev.txt is installed there."""
    return is_own_python() and _read_stamp() == _expected_stamp(sys.version_info[:2])


def is_own_python() -> bool:
    """Return whether this process is the Python of .venv."""
    return Path(sys.prefix).resolve() == VENV.resolve() and sys.prefix != sys.base_prefix


def prepare() -> None:
    """Make .venv complete, repairing what is there.

    Safe to call twice at once: the second caller waits. Raises LauncherError.
    """
    with _one_at_a_time():
        version = _version(PYTHON)
        if version is not None and _read_stamp() == _expected_stamp(version):
            return
        forget()
        if version is None or version < OLDEST or not _has_pip():
            version = _make()
        install.install(PYTHON, REQUIREMENTS, VENV / "install.log")
        STAMP.write_text(_expected_stamp(version), encoding="ascii")


def forget() -> None:
    """Make the next command install again, because something is missing."""
    with suppress(FileNotFoundError, NotADirectoryError):
        STAMP.unlink()


def _read_stamp() -> str:
    try:
        return STAMP.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return ""


def _expected_stamp(version: tuple[int, ...]) -> str:
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    return f"{digest} python{version[0]}.{version[1]}\n"


def _version(python: Path) -> tuple[int, ...] | None:
    """Return the version of a Python, or None where it does not run."""
    found = _output(python, "-c", "import sys; print(*sys.version_info[:2])")
    try:
        return tuple(map(int, found.split())) if found else None
    except ValueError:
        return None


def _has_pip() -> bool:
    """Return whether .venv runs and can install; one that was made half-way has no pip."""
    return bool(_output(PYTHON, "-m", "pip", "--version"))


def _output(*command: Path | str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=CHECK_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _make() -> tuple[int, ...]:
    """Make .venv from nothing and return its Python's version. Raises LauncherError."""
    base = _base_python()
    broken = VENV.exists() or VENV.is_symlink()
    print(f"{'Repairing' if broken else 'Making'} .venv with {base} ...", file=sys.stderr, flush=True)
    _empty()
    command = [base, "-m", "venv", str(VENV)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=VENV_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LauncherError(f"{base} cannot make .venv: {error}") from None
    version = _version(PYTHON)
    if done.returncode or version is None or not _has_pip():
        _empty()
        raise LauncherError(_why_no_venv(base, f"{done.stdout}\n{done.stderr}"))
    return version


def _base_python() -> str:
    """Return the Python to make .venv with: PYTHON, or the one that runs now, outside of any environment."""
    return os.environ.get("PYTHON") or getattr(sys, "_base_executable", None) or sys.executable


def _empty() -> None:
    """Remove what .venv holds; a link to a folder elsewhere is removed, what it points at stays."""
    if VENV.is_symlink() or VENV.is_file():
        VENV.unlink()
    elif VENV.exists():
        shutil.rmtree(VENV)


def _why_no_venv(base: str, output: str) -> str:
    if "ensurepip" in output or "No module named venv" in output:
        return f"{base} lacks the module venv: install it (Debian and Ubuntu: sudo apt install python3-venv)."
    lines = [line for line in output.splitlines() if line.strip()]
    return f"{base} cannot make .venv: {lines[-1].strip() if lines else 'it printed no reason'}"


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Hold a lock on the list of packages, so that two commands never install at once."""
    with REQUIREMENTS.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Waiting for another installation to end ...", file=sys.stderr, flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
