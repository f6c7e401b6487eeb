"""A file that is read from a response while it is uploaded: its whole content is never in memory."""

from __future__ import annotations

import os
from io import BufferedReader, RawIOBase, UnsupportedOperation
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_BLOCK = 65_536  # bytes


def reader(read: Callable[[], bytes], begin: bytes, size: int) -> BufferedReader:
    """Return a file of `size` bytes: `begin`, and what `read` returns until it returns nothing.

    An HTTP client asks for the size by seeking to the end and back; it reads once.
    """
    return BufferedReader(_Source(read, begin, size), _BLOCK)


class _Source(RawIOBase):
    def __init__(self, read: Callable[[], bytes], begin: bytes, size: int) -> None:
        self._read, self._rest, self._size = read, begin, size
        self._at = self._shown = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        target = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._shown, os.SEEK_END: self._size}[whence]
        if target not in (self._at, self._size):
            raise UnsupportedOperation("a response is read once")
        self._shown = target
        return target

    def tell(self) -> int:
        return self._shown

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        if not self._rest:
            self._rest = self._read()
        piece, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        self._shown = self._at
        if self._at > self._size or (not piece and self._at < self._size):
            raise OSError("the response is longer or shorter than announced")
        return len(piece)
