"""Compression and sealing in the age format (age-encryption.org).

The recipient's key is in the configuration; the identity that opens a backup is kept off-line. Nothing is
held in memory whole.
"""

from __future__ import annotations

import gzip
import io
import os
import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Self

from tools.database.errors import BackupError

LEVEL = 1  # of gzip: three times faster than the default, a few percent larger


@dataclass(frozen=True)
class PassingKey:
    """A key pair of this process alone: it opens a file for the trial, and is gone with the process."""

    recipient: str
    identity: str = field(repr=False)

    @classmethod
    def make(cls) -> Self:
        """Make a pair."""
        import pyrage

        identity = pyrage.x25519.Identity.generate()
        return cls(str(identity.to_public()), str(identity))


def seal(parts: Iterable[bytes], recipients: Sequence[str], path: Path) -> None:
    """Write the compressed and sealed parts to a new file that only its owner may read.

    Each recipient can open it. Raises BackupError.
    """
    import pyrage

    keys = []
    for recipient in recipients:
        try:
            keys.append(pyrage.x25519.Recipient.from_str(recipient))
        except pyrage.RecipientError:
            raise BackupError(f"{recipient[:12]}… is no recipient of age: age1…") from None
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        pyrage.encrypt_io(_Source(_compressed(parts)), file, keys)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def opened(path: Path, identity: str) -> Iterator[BinaryIO]:
    """Open a sealed file for reading. Raises BackupError for a wrong identity or a damaged file."""
    import pyrage

    try:
        key = pyrage.x25519.Identity.from_str(identity.strip())
    except pyrage.IdentityError:
        raise BackupError("BACKUP_IDENTITY is no identity of age: AGE-SECRET-KEY-1…") from None
    failures: list[Exception] = []
    reading, writing = os.pipe()

    def decrypt() -> None:
        with suppress(BrokenPipeError), os.fdopen(writing, "wb") as plain:
            try:
                with path.open("rb") as sealed:
                    pyrage.decrypt_io(sealed, plain, [key])
            except Exception as error:  # handed to the reader
                failures.append(error)

    # Through a pipe: rows of users are never on a disk in clear.
    thread = threading.Thread(target=decrypt, daemon=True)
    thread.start()
    try:
        with os.fdopen(reading, "rb") as piped, gzip.GzipFile(fileobj=piped) as stream:
            yield io.BufferedReader(stream)
    except (EOFError, zlib.error, gzip.BadGzipFile, BackupError) as error:
        thread.join(10)
        if failures:
            reason = f"cannot be opened with this identity, or is damaged: {failures[0]}"
        elif isinstance(error, BackupError):
            raise
        else:
            reason = "is damaged or cut off."
        raise BackupError(f"{path.name} {reason}") from None


def _compressed(parts: Iterable[bytes]) -> Iterator[bytes]:
    compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, 31)
    for part in parts:
        if data := compressor.compress(part):
            yield data
    yield compressor.flush()


class _Source(io.RawIOBase):
    """A file that reads from an iterator of parts."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts, self._left = parts, b""

    def readable(self) -> bool:
        """Whether it can be read; it can."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes; none at the end."""
        while not self._left:
            part = next(self._parts, None)
            if part is None:
                return b""
            self._left = part
        data, self._left = self._left[:size], self._left[size:]
        return data
