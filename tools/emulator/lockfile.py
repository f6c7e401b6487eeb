"""One emulator a folder: a second would take the first one's Postgres over, and stop it when it ends."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO


class AlreadyRunning(Exception):
    """Somebody runs with this folder's data; the message says where."""


class LockFile:
    """A lock on a folder, let go with the process however that ends. `words` is what the next one is told."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "running"
        self._held: IO[str] | None = None

    def take(self, words: str) -> None:
        """Take the lock. Raises AlreadyRunning with the words of whoever has it."""
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
        """Let go; nothing happens where nothing is held."""
        if self._held is not None:
            self._held.close()
            self._held = None
