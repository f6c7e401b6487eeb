"""A user's progress as a picture: score and clarity over time as lines, the types of questions as bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise

from shared.core.pictures.canvas import Canvas
from shared.core.pictures.colors import CARD, GROUND, INK, QUIET, TRACK

WIDTH, HEIGHT = 1280, 960  # twice what a phone shows, so it stays sharp
_MARGIN = 56
_SCORE, _CLARITY, _BAR = "#4f8fff", "#2fd3a2", "#f7b23b"
_BADGE, _BADGE_INK = "#26436f", "#a9c9ff"


@dataclass(frozen=True)
class Point:
    """One training; `label` is its date."""

    label: str
    score: int
    clarity: int


@dataclass(frozen=True)
class Bar:
    """How many questions of a type there were."""

    name: str
    count: int


@dataclass(frozen=True)
class ProgressPicture:
    """All that the picture shows; the words are ready to be written."""

    title: str
    score: str
    clarity: str
    types: str
    best: str
    points: Sequence[Point]  # oldest first
    bars: Sequence[Bar]


def draw(view: ProgressPicture) -> BytesIO:
    """Return the picture as a PNG file."""
    canvas = Canvas(WIDTH, HEIGHT, GROUND)
    _head(canvas, view)
    _chart(canvas, view)
    _bars(canvas, view)
    picture = canvas.png()
    picture.name = "progress.png"
    return picture


def _head(canvas: Canvas, view: ProgressPicture) -> None:
    size = canvas.fitting(view.best, 36, 460, "SemiBold")
    width = canvas.width_of(view.best, size, "SemiBold") + 56
    canvas.words(_MARGIN, 104, view.title, canvas.fitting(view.title, 60, 660, "SemiBold"), INK, "SemiBold")
    canvas.box(WIDTH - _MARGIN - width, 52, width, 68, _BADGE, 34)
    canvas.words(WIDTH - _MARGIN - width / 2, 86 + size * 0.36, view.best, size, _BADGE_INK, "SemiBold", "m")


def _chart(canvas: Canvas, view: ProgressPicture) -> None:
    x, y, width, height = _MARGIN, 156, WIDTH - 2 * _MARGIN, 412
    canvas.box(x, y, width, height, CARD, 40)
    at = x + 44.0
    for color, word in ((_SCORE, view.score), (_CLARITY, view.clarity)):
        canvas.box(at, y + 44, 22, 22, color, 11)
        at += 34 + canvas.words(at + 34, y + 66, word, 30, QUIET) + 44
    left, right, top, bottom = x + 76, x + width - 76, y + 118, y + height - 70
    canvas.box(x + 44, bottom, width - 88, 3, TRACK)
    most = max(100, *(point.score for point in view.points))
    step = (right - left) / max(len(view.points) - 1, 1)
    first = left if len(view.points) > 1 else (left + right) / 2
    _line(canvas, [point.clarity / 100 for point in view.points], first, step, top, bottom, _CLARITY)
    _line(canvas, [point.score / most for point in view.points], first, step, top, bottom, _SCORE)
    for number, point in enumerate(view.points):
        place = first + step * number
        canvas.words(
            place,
            bottom - (bottom - top) * point.score / most - 22,
            str(point.score),
            26,
            INK,
            "SemiBold",
            "m",
        )
    _dates(canvas, view.points, first, step, bottom + 44)


def _line(
    canvas: Canvas, shares: Sequence[float], first: float, step: float, top: float, bottom: float, color: str
) -> None:
    """Draw a line through shares of the height, as small dots between large ones."""
    spots = [(first + step * number, bottom - (bottom - top) * share) for number, share in enumerate(shares)]
    for (x, y), (to_x, to_y) in pairwise(spots):
        count = max(int(max(abs(to_x - x), abs(to_y - y)) / 3), 1)
        for part in range(count):
            share = part / count
            canvas.box(x + (to_x - x) * share - 3, y + (to_y - y) * share - 3, 6, 6, color, 3)
    for x, y in spots:
        canvas.box(x - 10, y - 10, 20, 20, color, 10)


def _dates(canvas: Canvas, points: Sequence[Point], first: float, step: float, y: float) -> None:
    """Write the first and the last date, which never overlap."""
    canvas.words(first, y, points[0].label, 26, QUIET, anchor="m" if len(points) == 1 else "l")
    if len(points) > 1:
        canvas.words(first + step * (len(points) - 1), y, points[-1].label, 26, QUIET, anchor="r")


def _bars(canvas: Canvas, view: ProgressPicture) -> None:
    x, y, width, height = _MARGIN, 600, WIDTH - 2 * _MARGIN, 304
    canvas.box(x, y, width, height, CARD, 40)
    canvas.words(x + 44, y + 62, view.types, 36, INK, "SemiBold")
    most = max((bar.count for bar in view.bars), default=1)
    row = min((height - 96) / max(len(view.bars), 1), 50)
    names = max((canvas.width_of(bar.name, 28) for bar in view.bars), default=0.0)
    left = x + 44 + min(names, 320) + 28
    for number, bar in enumerate(view.bars):
        base = y + 88 + row * number + row * 0.62
        canvas.words(x + 44, base, bar.name, canvas.fitting(bar.name, min(28, int(row * 0.6)), 320), QUIET)
        room = x + width - 130 - left
        canvas.box(left, base - row * 0.44, max(room * bar.count / most, 12), row * 0.5, _BAR, row * 0.25)
        canvas.words(
            left + max(room * bar.count / most, 12) + 18,
            base,
            str(bar.count),
            min(28, int(row * 0.6)),
            INK,
            "SemiBold",
        )
