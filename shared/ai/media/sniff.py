"""What the bytes of a picture or video say about it: what providers state is sometimes missing or wrong."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from struct import unpack_from

_MAX_BOXES = 2_000  # boxes of an MP4 that are looked at
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # markers of a frame header
_JPEG_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length
_CONTAINERS = (b"moov", b"trak")


@dataclass(frozen=True, slots=True)
class Facts:
    """The media type; the size in pixels and the seconds where the bytes say so."""

    mime: str
    width: int | None = None
    height: int | None = None
    duration_s: float | None = None


def sniff(data: bytes) -> Facts | None:
    """Return what `data` is, or None when it is no picture or video that Telegram shows."""
    mime = _type(data)
    if mime is None:
        return None
    try:
        return _read(mime, data)
    except (struct.error, IndexError, ValueError):  # cut short
        return Facts(mime)


def _type(data: bytes) -> str | None:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:8] == b"ftyp" and data[8:12] not in (b"heic", b"heix", b"mif1", b"avif"):
        return "video/quicktime" if data[8:12] == b"qt  " else "video/mp4"
    return "video/webm" if data.startswith(b"\x1a\x45\xdf\xa3") else None


def _read(mime: str, data: bytes) -> Facts:
    if mime == "image/png":
        return Facts(mime, *unpack_from(">II", data, 16))
    if mime == "image/gif":
        return Facts(mime, *unpack_from("<HH", data, 6))
    if mime == "image/jpeg":
        return Facts(mime, *_jpeg_size(data))
    if mime == "image/webp":
        return Facts(mime, *_webp_size(data))
    return Facts(mime) if mime == "video/webm" else _mp4(mime, data)


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Return width and height of the first frame header (ITU T.81, B.2.2)."""
    at = 2
    while True:
        if data[at] != 0xFF:
            raise ValueError("no marker")
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
        elif marker in _JPEG_ALONE:
            at += 2
        elif marker in _JPEG_FRAMES:
            height, width = unpack_from(">HH", data, at + 5)
            return width, height
        else:
            at += 2 + max(unpack_from(">H", data, at + 2)[0], 2)


def _webp_size(data: bytes) -> tuple[int, int]:
    """Return width and height (RFC 9649)."""
    kind = data[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        bits = unpack_from("<I", data, 21)[0]
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


def _mp4(mime: str, data: bytes) -> Facts:
    """Read the movie header and the largest track (ISO/IEC 14496-12)."""
    seconds: float | None = None
    size: tuple[int, int] = (0, 0)
    places = [(0, len(data))]
    for _ in range(_MAX_BOXES):
        if not places:
            break
        at, end = places.pop()
        if at + 8 > end:
            continue
        length, kind = unpack_from(">I4s", data, at)
        begin = at + 8
        if length == 1:
            length = unpack_from(">Q", data, begin)[0]
            begin += 8
        length = length or end - at
        if length < begin - at:
            break
        places.append((at + length, end))
        if kind in _CONTAINERS:
            places.append((begin, min(at + length, end)))
        elif kind == b"mvhd":
            seconds = _duration(data, begin)
        elif kind == b"tkhd":
            wide, high = unpack_from(">II", data, begin + (88 if data[begin] == 1 else 76))
            size = max(size, (wide >> 16, high >> 16))
    width, height = size
    return Facts(mime, width or None, height or None, seconds)


def _duration(data: bytes, begin: int) -> float | None:
    """Return the seconds of a movie header, whose numbers are longer in version 1."""
    is_long = data[begin] == 1
    scale, units = unpack_from(">IQ" if is_long else ">II", data, begin + (20 if is_long else 12))
    return round(units / scale, 3) if scale else None
