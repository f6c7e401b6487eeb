"""Files users and bots send: kept in memory, reachable by file id, by path, and by the page's address."""

from __future__ import annotations

import secrets
import struct
import threading
import zlib
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class File:
    """One file. `content` is None for one that Telegram would fetch itself from `url`."""

    file_id: str
    unique_id: str
    path: str
    content: bytes | None
    mime_type: str
    name: str | None = None
    url: str | None = None

    def json(self, **more: Any) -> Json:
        """Return the fields every Bot API file object has."""
        size = {} if self.content is None else {"file_size": len(self.content)}
        return {"file_id": self.file_id, "file_unique_id": self.unique_id, **size, **more}


class Files:
    """The store."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: dict[str, File] = {}
        self._sizes: dict[str, list[Json]] = {}
        self._links: dict[str, float] = {}

    def join_sizes(self, sizes: list[Json]) -> None:
        """Remember the sizes of one photo, so that the file_id of each stands for all."""
        with self._lock:
            self._sizes |= {size["file_id"]: sizes for size in sizes}

    def sizes_of(self, file_id: str) -> list[Json] | None:
        """Return all sizes of the photo that a file belongs to."""
        with self._lock:
            return self._sizes.get(file_id)

    def open_link(self, path: str, until: float) -> None:
        """Let a file be downloaded by its path until a time."""
        with self._lock:
            self._links[path] = until

    def is_open(self, path: str, now: float) -> bool:
        """Return whether a file can be downloaded by its path."""
        with self._lock:
            return self._links.get(path, 0.0) >= now

    def add(
        self,
        kind: str,
        content: bytes | None,
        mime_type: str,
        name: str | None = None,
        url: str | None = None,
    ) -> File:
        """Keep a file; `kind` is the folder of its path, e.g. photos."""
        unique = secrets.token_urlsafe(11)
        suffix = (name or "").rpartition(".")[2] or mime_type.rpartition("/")[2]
        path = f"{kind}/file_{unique}.{suffix}"
        file = File("AgAC" + secrets.token_urlsafe(36) + unique, unique, path, content, mime_type, name, url)
        with self._lock:
            self._files[file.file_id] = file
        return file

    def restore(self, file: File) -> None:
        """Put a file back that an earlier run had."""
        with self._lock:
            self._files[file.file_id] = file

    def all(self) -> list[File]:
        """Return every file."""
        with self._lock:
            return list(self._files.values())

    def by_id(self, file_id: str) -> File | None:
        """Return the file with this file_id."""
        with self._lock:
            return self._files.get(file_id)

    def by_path(self, path: str) -> File | None:
        """Return the file getFile named with this path."""
        return next((file for file in self.all() if file.path == path), None)

    def by_unique_id(self, unique_id: str) -> File | None:
        """Return the file with this file_unique_id."""
        return next((file for file in self.all() if file.unique_id == unique_id), None)

    def with_urls(self, value: Any) -> Any:
        """Return a Bot API file object (or a photo's list of sizes) with the page's `url`."""
        if isinstance(value, list):
            return [self.with_urls(item) for item in value]
        file = self.by_id(value.get("file_id", ""))
        if file is None:
            return value
        return value | {"url": file.url or f"/api/files/{file.unique_id}"}


def picture(red: int = 90, green: int = 140, blue: int = 220, size: int = 128) -> bytes:
    """Make a small PNG with a gradient."""
    rows = b"".join(
        b"\0"
        + b"".join(bytes((red, min(255, green + y // 2), min(255, blue * x // size))) for x in range(size))
        for y in range(size)
    )
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    pieces = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in pieces
    )


WORDS = b"\0words:"  # begins what the fake AI hears in a sample, behind its sound


def voice(milliseconds: int = 1000, rate: int = 8000, words: str = "") -> bytes:
    """Make a quiet tone as WAV, which browsers play without an encoder here.

    Args:
        words: what the fake AI hears in it.
    """
    count = rate * milliseconds // 1000
    samples = bytes(128 + (12 if (index * 440 * 2 // rate) % 2 else -12) for index in range(count))
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + count,
        b"WAVE",
        b"fmt ",
        16,
        1,
        1,
        rate,
        rate,
        1,
        8,
        b"data",
        count,
    )
    return head + samples + (WORDS + words.encode() if words else b"")
