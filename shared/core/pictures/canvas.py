"""Shapes and words on a picture, drawn twice as large and then made smaller: edges come out smooth."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from math import cos, degrees, radians, sin
from pathlib import Path
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

Color = str
Weight = Literal["Medium", "SemiBold"]
Anchor = Literal["l", "m", "r"]  # which part of the words is at x

_FINER = 2  # times as many pixels in each direction while drawing
_FONTS = Path(__file__).parent / "fonts"


class Canvas:
    """A picture of `width` × `height` pixels; all measures are in these, y counts downwards."""

    def __init__(self, width: int, height: int, background: Color) -> None:
        self.width, self.height = width, height
        self._image = Image.new("RGB", (width * _FINER, height * _FINER), background)
        self._draw = ImageDraw.Draw(self._image)

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        color: Color,
        radius: float = 0,
        *,
        top: bool = False,
    ) -> None:
        """Fill a rectangle with round corners (`top`: only the upper two)."""
        if width <= 0 or height <= 0:
            return
        corners = (True, True, not top, not top)
        self._draw.rounded_rectangle(
            _finer(x, y, x + width, y + height, inset=1),
            min(radius, width / 2, height / (1 if top else 2)) * _FINER,
            fill=color,
            corners=corners,
        )

    def ring(self, x: float, y: float, radius: float, thickness: float, share: float, color: Color) -> None:
        """Draw `share` (0 to 1) of a ring around x, y, clockwise from the top, with round ends."""
        if share <= 0:
            return
        ends = degrees(thickness / (radius - thickness / 2))
        sweep = (
            360 if share >= 1 else min(360 * share, 350 - ends)
        )  # a gap must not close under the round ends
        outer = _finer(x - radius, y - radius, x + radius, y + radius)
        self._draw.arc(outer, -90, -90 + sweep, fill=color, width=round(thickness * _FINER))
        if sweep < 360:
            for angle in (-90, -90 + sweep):
                self._dot(x, y, radius - thickness / 2, angle, thickness / 2, color)

    def dashes(self, x: float, y: float, width: float, color: Color) -> None:
        """Draw a dashed line to the right."""
        at = x
        while at < x + width:
            self.box(at, y - 1, min(12, x + width - at), 3, color, 1.5)
            at += 22

    def words(
        self,
        x: float,
        y: float,
        text: str,
        size: int,
        color: Color,
        weight: Weight = "Medium",
        anchor: Anchor = "l",
    ) -> float:
        """Write words whose baseline is at y; return how wide they are."""
        font = _font(weight, size * _FINER)
        self._draw.text((x * _FINER, y * _FINER), text, color, font, anchor=f"{anchor}s")
        return self.width_of(text, size, weight)

    def width_of(self, text: str, size: int, weight: Weight = "Medium") -> float:
        """Return how wide words would be."""
        return _font(weight, size * _FINER).getlength(text) / _FINER

    def fitting(self, text: str, size: int, width: float, weight: Weight = "Medium") -> int:
        """Return the size, `size` at most, at which words fit into a width."""
        while size > 16 and self.width_of(text, size, weight) > width:
            size -= 2
        return size

    def clipped(self, text: str, size: int, width: float, weight: Weight = "Medium") -> str:
        """Return words that fit into a width, cut with an ellipsis where they are too long."""
        if self.width_of(text, size, weight) <= width:
            return text
        while text and self.width_of(f"{text}…", size, weight) > width:
            text = text[:-1].rstrip()
        return f"{text}…"

    def lines(self, text: str, size: int, width: float) -> list[str]:
        """Cut words into lines of a width; a space that does not break keeps two together."""
        lines: list[str] = []
        for word in text.split(" "):
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and self.width_of(longer, size) <= width:
                lines[-1] = longer
            else:
                lines.append(word)
        return lines

    def png(self) -> BytesIO:
        """Return the picture as a PNG file."""
        file = BytesIO()
        # A palette halves the file without a visible difference: there are few colours and soft edges.
        small = self._image.reduce(_FINER).quantize(128, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        small.save(file, "PNG", optimize=False, compress_level=6)
        file.seek(0)
        return file

    def _dot(self, x: float, y: float, distance: float, angle: float, radius: float, color: Color) -> None:
        x, y = x + distance * cos(radians(angle)), y + distance * sin(radians(angle))
        self._draw.ellipse(_finer(x - radius, y - radius, x + radius, y + radius), fill=color)


def _finer(*measures: float, inset: int = 0) -> list[float]:
    """Return measures in the pixels that are drawn; a box's far edges lie on the last of its own."""
    scaled = [measure * _FINER for measure in measures]
    if inset:
        scaled[2:] = [measure - inset for measure in scaled[2:]]
    return scaled


def drawable(text: str) -> str:
    """Return a text without the characters that the typeface lacks: emoji, and scripts other than ours."""
    return " ".join("".join(letter for letter in text if letter.isspace() or _has(letter)).split())


@lru_cache(maxsize=1024)
def _has(letter: str) -> bool:
    font = _font("Medium", 16)
    return bytes(font.getmask(letter)) != bytes(font.getmask("\uffff"))


@lru_cache(maxsize=32)
def _font(weight: Weight, size: int) -> ImageFont.FreeTypeFont:
    # The basic layout: the other one needs libraries of the system, and would draw differently without them.
    path = str(_FONTS / f"Inter-{weight}.otf")
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)
