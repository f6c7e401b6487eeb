"""Pictures and videos that the fake servers draw: the prompt's own colors, and its first words."""

from __future__ import annotations

import io
import struct
import textwrap
from hashlib import sha256

from PIL import Image, ImageDraw

_BASE = {"512": 512, "768": 768, "1K": 1024, "1.5K": 1536, "2K": 2048, "4K": 4096}
_FRAMES_PER_SECOND = 4
_MOVIE_SCALE = 1000  # units of a second in the movie's headers


def size_of(aspect_ratio: str | None, size: str | None) -> tuple[int, int]:
    """Return width and height of a picture. `size` is "1K" or "1024x1024"; the longer side is at most 1K."""
    if size and "x" in size:
        width, height = (int(number) for number in size.split("x"))
        return width, height
    side = min(_BASE.get(size or "1K", 1024), 1024)
    wide, high = (float(number) for number in (aspect_ratio or "1:1").replace("auto", "1:1").split(":"))
    scale = side / max(wide, high)
    return max(round(wide * scale), 16), max(round(high * scale), 16)


def picture(text: str, width: int, height: int, kind: str = "PNG", number: int = 0) -> bytes:
    """Return a picture as PNG, JPEG, WEBP or GIF."""
    file = io.BytesIO()
    _drawn(text, width, height, number).save(file, kind)
    return file.getvalue()


def video(text: str, width: int, height: int, seconds: float) -> bytes:
    """Return a video: an MP4 whose frames are JPEG pictures, with a bar that shows the progress."""
    count = max(round(seconds * _FRAMES_PER_SECOND), 1)
    frames = []
    for number in range(count):
        image = _drawn(text, width, height, 0)
        ImageDraw.Draw(image).rectangle((0, height - 8, width * (number + 1) // count, height), fill="white")
        file = io.BytesIO()
        image.save(file, "JPEG", quality=60)
        frames.append(file.getvalue())
    return _mp4(frames, width, height)


def _drawn(text: str, width: int, height: int, number: int) -> Image.Image:
    digest = sha256(f"{text}{number}".encode()).digest()
    image = Image.new("RGB", (width, height), tuple(digest[:3]))
    draw = ImageDraw.Draw(image)
    draw.ellipse((width // 4, height // 4, width * 3 // 4, height * 3 // 4), fill=tuple(digest[3:6]))
    draw.text((8, 8), "\n".join(textwrap.wrap(text.encode("latin-1", "replace").decode("latin-1")[:120], 30)))
    return image


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def _full(kind: bytes, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", version << 24 | flags), *parts)


_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def _mp4(frames: list[bytes], width: int, height: int) -> bytes:
    """Return an MP4 with one track of JPEG pictures (ISO/IEC 14496-12; object type 0x6C is JPEG)."""
    duration = len(frames) * _MOVIE_SCALE // _FRAMES_PER_SECOND
    head = _box(b"ftyp", b"isom", struct.pack(">I", 512), b"isomiso2mp41")
    begin = len(head) + 8
    return head + _box(b"mdat", *frames) + _box(
        b"moov",
        _full(
            b"mvhd", struct.pack(">IIII", 0, 0, _MOVIE_SCALE, duration),
            struct.pack(">IH10x", 0x10000, 0x100), _MATRIX, bytes(24), struct.pack(">I", 2),
        ),
        _box(
            b"trak",
            _full(
                b"tkhd", struct.pack(">IIIII8xHHHH", 0, 0, 1, 0, duration, 0, 0, 0, 0), _MATRIX,
                struct.pack(">II", width << 16, height << 16), flags=3,
            ),
            _media(frames, begin, width, height, duration),
        ),
    )  # fmt: skip


def _media(frames: list[bytes], begin: int, width: int, height: int, duration: int) -> bytes:
    entry = _box(
        b"mp4v",
        struct.pack(">6xH16xHHII4xH32xHh", 1, width, height, 0x480000, 0x480000, 1, 24, -1),
        _full(b"esds", b"\x03\x15\x00\x01\x00\x04\x0d\x6c\x11" + bytes(11) + b"\x06\x01\x02"),
    )
    table = _box(
        b"stbl",
        _full(b"stsd", struct.pack(">I", 1), entry),
        _full(b"stts", struct.pack(">III", 1, len(frames), _MOVIE_SCALE // _FRAMES_PER_SECOND)),
        _full(b"stsc", struct.pack(">IIII", 1, 1, len(frames), 1)),
        _full(b"stsz", struct.pack(">II", 0, len(frames)), *(struct.pack(">I", len(one)) for one in frames)),
        _full(b"stco", struct.pack(">II", 1, begin)),
    )
    return _box(
        b"mdia",
        _full(b"mdhd", struct.pack(">IIIIHH", 0, 0, _MOVIE_SCALE, duration, 0x55C4, 0)),
        _full(b"hdlr", struct.pack(">I4s12x", 0, b"vide"), b"video\x00"),
        _box(
            b"minf",
            _full(b"vmhd", bytes(8), flags=1),
            _box(b"dinf", _full(b"dref", struct.pack(">I", 1), _full(b"url ", flags=1))),
            table,
        ),
    )
