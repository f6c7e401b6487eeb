"""A lock on a folder, because a second emulator would take over the first one's Postgres and stop it."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO


class AlreadyRunning(Exception):
    """Another emulator uses this folder's data; the message says where."""


class LockFile:
    """A lock on a folder, released when the process ends."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "running"
        self._held: IO[str] | None = None

    def take(self, words: str) -> None:
        """Take the lock; raises AlreadyRunning with the words of its holder."""
        file = self._file.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            other = file.read().strip()
            file.close()
            raise AlreadyRunning(
                f"The emulator already runs: {other}. Stop it first (Ctrl-C in its terminal)."
            ) from None
        file.truncate(0)
        file.write(words)
        file.flush()
        self._held = file

    def release(self) -> None:
        """Release the lock; does nothing when it is not held."""
        if self._held is not None:
            self._held.close()
            self._held = None
