"""Says where the emulator of this checkout runs, as the lock in .switchboard has it."""

from __future__ import annotations

import fcntl
from collections.abc import Sequence
from pathlib import Path

from tools.launcher.errors import LauncherError

ROOT = Path(__file__).resolve().parents[2]


def where(root: Path = ROOT) -> str:
    """Return the address of the emulator that runs here, with what else its lock says; empty if none runs."""
    file = root / ".switchboard" / "running"
    try:
        with file.open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return lock.read().strip()
    except OSError:
        pass
    return ""


def refuse_second(arguments: Sequence[str]) -> None:
    """Raise LauncherError when the emulator runs already: a second one would share its data."""
    if {"-h", "--help"} & set(arguments):
        return
    if address := where():
        raise LauncherError(f"The emulator already runs: {address}. Stop it first (Ctrl-C in its terminal).")
