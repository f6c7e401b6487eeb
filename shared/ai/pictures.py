"""Prepares pictures for models: formats that all providers read, no larger than they look at.

Providers shrink larger pictures themselves (Anthropic to 1,568 pixels), and bill or refuse what is sent. A
picture that needs no change is sent as it is, so Pillow is imported for the others only.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Literal

from shared.ai.provider import Picture

if TYPE_CHECKING:
    from PIL.Image import Image

LONGEST_SIDE = 1_568  # pixels
MAX_BYTES = 3_500_000  # Anthropic takes 5 MB of base64
MOST_PICTURES = 10  # of one question: an album
# A decoder needs four bytes for a pixel; a JPEG is decoded at a fraction of its size.
_MOST_PIXELS = 25_000_000
_MOST_JPEG_PIXELS = 64_000_000
_QUALITY = 85
_SIGNATURES = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


class UnusablePicture(Exception):
    """A picture that no model gets: its format, its size in pixels, or a fault in it."""

    def __init__(self, reason: Literal["format", "size", "broken"]) -> None:
        super().__init__(reason)
        self.reason = reason


def prepare(data: bytes, longest_side: int | None = None) -> Picture:
    """Return a picture that every provider reads.

    Args:
        longest_side: pixels, as Telegram reports them of a photo; None: unknown, and the picture is decoded.

    Raises:
        UnusablePicture: it is not JPEG, PNG, WebP or GIF, has too many pixels, or cannot be decoded.
    """
    kind = mime_type(data)
    if kind is None:
        raise UnusablePicture("format")
    if longest_side is not None and longest_side <= LONGEST_SIDE and len(data) <= MAX_BYTES:
        return Picture(data, kind)
    return Picture(_reduced(data), "image/jpeg")


def mime_type(data: bytes) -> str | None:
    """Return the type of a picture by its first bytes; None if models cannot read it."""
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _SIGNATURES if data.startswith(start)), None)


def _reduced(data: bytes) -> bytes:
    """Return the picture as a JPEG of at most LONGEST_SIDE, upright, without metadata such as the place."""
    from PIL import Image, ImageOps

    try:
        with Image.open(BytesIO(data), formats=("JPEG", "PNG", "WEBP", "GIF")) as image:
            most = _MOST_JPEG_PIXELS if image.format == "JPEG" else _MOST_PIXELS
            if image.width * image.height > most:
                raise UnusablePicture("size")
            image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            upright = ImageOps.exif_transpose(image)
            upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            buffer = BytesIO()
            _on_white(upright).save(buffer, "JPEG", quality=_QUALITY)
    except Image.DecompressionBombError:
        raise UnusablePicture("size") from None
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, ArithmeticError):
        raise UnusablePicture("broken") from None
    return buffer.getvalue()


def _on_white(image: Image) -> Image:
    """Return the picture without transparency, which a JPEG cannot hold."""
    from PIL.Image import new

    if "A" not in image.getbands() and "transparency" not in image.info:
        return image.convert("RGB")
    image = image.convert("RGBA")
    white = new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A"))
    return white
