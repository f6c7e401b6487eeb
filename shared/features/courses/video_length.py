"""Reads how long a video lasts from the head of its file: MP4 (ISO 14496-12) and WebM (Matroska)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

_SEGMENT, _INFO, _SCALE, _DURATION = 0x18538067, 0x1549A966, 0x2AD7B1, 0x4489
_NANOSECONDS = 1_000_000_000


def seconds(path: Path) -> float | None:
    """Return how long a video lasts; None where its file does not say so, or is of another type."""
    content = path.read_bytes()
    try:
        return {".mp4": _of_mp4, ".webm": _of_webm}[path.suffix](content)
    except (KeyError, IndexError, struct.error):
        return None


def _of_mp4(content: bytes) -> float | None:
    for kind, movie in _boxes(content):
        if kind != b"moov":
            continue
        for name, header in _boxes(movie):
            if name == b"mvhd":
                scale, duration = struct.unpack_from(
                    ">IQ" if header[0] == 1 else ">II", header, 20 if header[0] == 1 else 12
                )
                return duration / scale if scale else None
    return None


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        head = 8
        if size == 1:  # the size has 64 bits
            (size,), head = struct.unpack_from(">Q", content, at + 8), 16
        elif size == 0:  # up to the end of the file
            size = len(content) - at
        if size < head:
            return
        yield kind, content[at + head : at + size]
        at += size


def _of_webm(content: bytes) -> float | None:
    for name, segment in _elements(content):
        if name != _SEGMENT:
            continue
        for part, info in _elements(segment):
            if part == _INFO:
                found = dict(_elements(info))
                scale = int.from_bytes(
                    found.get(_SCALE, b"\x0f\x42\x40")
                )  # nanoseconds, a million unless stated
                duration = found[_DURATION]
                return (
                    float(struct.unpack(">f" if len(duration) == 4 else ">d", duration)[0])
                    * scale
                    / _NANOSECONDS
                )
    return None


def _elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(content):
        name, at = _number(content, at, keeps_marker=True)
        size, at = _number(content, at, keeps_marker=False)
        end = len(content) if size is None else at + size  # without a size: a live recording
        yield name or 0, content[at:end]
        at = end


def _number(content: bytes, at: int, *, keeps_marker: bool) -> tuple[int | None, int]:
    """Return a number of variable length and where it ends; None for a size that is not known."""
    length = 9 - content[at].bit_length()
    value = int.from_bytes(content[at : at + length])
    if keeps_marker:
        return value, at + length
    value &= (1 << 7 * length) - 1
    return (None if value == (1 << 7 * length) - 1 else value), at + length
