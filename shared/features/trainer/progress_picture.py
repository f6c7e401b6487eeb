"""A user's progress as a picture: score and clarity over time as lines, the types of questions as bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise

from shared.core.pictures.canvas import Canvas
from shared.core.pictures.colors import CARD, GROUND, INK, QUIET, TRACK

WIDTH = 1280  # twice what a phone shows, so it stays sharp
_MARGIN = 56
_CHART_END, _BARS_HEAD, _ROW = 568, 96, 46
_NAMES = 400  # the widest name of a type
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
    canvas = Canvas(WIDTH, height(view), GROUND)
    _head(canvas, view)
    _chart(canvas, view)
    _bars(canvas, view)
    picture = canvas.png()
    picture.name = "progress.png"
    return picture


def height(view: ProgressPicture) -> int:
    """Return the height of the picture: every bar has a row of its own that can be read."""
    return _CHART_END + 32 + _bars_height(view) + _MARGIN


def _bars_height(view: ProgressPicture) -> int:
    return _BARS_HEAD + _ROW * max(len(view.bars), 1) + 24


def _head(canvas: Canvas, view: ProgressPicture) -> None:
    size = canvas.fitting(view.best, 36, 460, "SemiBold")
    width = canvas.width_of(view.best, size, "SemiBold") + 56
    canvas.words(_MARGIN, 104, view.title, canvas.fitting(view.title, 60, 660, "SemiBold"), INK, "SemiBold")
    canvas.box(WIDTH - _MARGIN - width, 52, width, 68, _BADGE, 34)
    canvas.words(WIDTH - _MARGIN - width / 2, 86 + size * 0.36, view.best, size, _BADGE_INK, "SemiBold", "m")


def _chart(canvas: Canvas, view: ProgressPicture) -> None:
    x, y, width = _MARGIN, 156, WIDTH - 2 * _MARGIN
    canvas.box(x, y, width, _CHART_END - y, CARD, 40)
    at = x + 44.0
    for color, word in ((_SCORE, view.score), (_CLARITY, view.clarity)):
        canvas.box(at, y + 44, 22, 22, color, 11)
        at += 34 + canvas.words(at + 34, y + 66, word, 30, QUIET) + 44
    left, right, top, bottom = x + 76, x + width - 76, y + 152, _CHART_END - 70
    canvas.box(x + 44, bottom, width - 88, 3, TRACK)
    most = max(100, *(point.score for point in view.points))
    step = (right - left) / max(len(view.points) - 1, 1)
    first = left if len(view.points) > 1 else (left + right) / 2
    places = [first + step * number for number in range(len(view.points))]
    scores = [bottom - (bottom - top) * point.score / most for point in view.points]
    clarities = [bottom - (bottom - top) * point.clarity / 100 for point in view.points]
    _line(canvas, places, clarities, _CLARITY)
    _line(canvas, places, scores, _SCORE)
    for place, score, clarity, point in zip(places, scores, clarities, view.points, strict=True):
        # Where both lines meet, the lower dot shows as a ring around the upper one.
        _dot(canvas, place, clarity, 16 if abs(score - clarity) < 12 else 10, _CLARITY)
        _dot(canvas, place, score, 10, _SCORE)
        _score(canvas, place, score, str(point.score))
    _dates(canvas, view.points, first, step, bottom + 44)


def _line(canvas: Canvas, places: Sequence[float], heights: Sequence[float], color: str) -> None:
    """Draw a line through points, as small dots side by side."""
    for (x, y), (to_x, to_y) in pairwise(zip(places, heights, strict=True)):
        count = max(int(max(abs(to_x - x), abs(to_y - y)) / 3), 1)
        for part in range(count):
            share = part / count
            _dot(canvas, x + (to_x - x) * share, y + (to_y - y) * share, 3, color)


def _dot(canvas: Canvas, x: float, y: float, radius: float, color: str) -> None:
    canvas.box(x - radius, y - radius, 2 * radius, 2 * radius, color, radius)


def _score(canvas: Canvas, x: float, y: float, score: str) -> None:
    """Write a score above its dot, on a plate that keeps the lines away from it."""
    width = canvas.width_of(score, 26, "SemiBold") + 12
    canvas.box(x - width / 2, y - 50, width, 30, CARD, 10)
    canvas.words(x, y - 26, score, 26, INK, "SemiBold", "m")


def _dates(canvas: Canvas, points: Sequence[Point], first: float, step: float, y: float) -> None:
    """Write the first and the last date, which never overlap."""
    canvas.words(first, y, points[0].label, 26, QUIET, anchor="m" if len(points) == 1 else "l")
    if len(points) > 1:
        canvas.words(first + step * (len(points) - 1), y, points[-1].label, 26, QUIET, anchor="r")


def _bars(canvas: Canvas, view: ProgressPicture) -> None:
    x, y, width = _MARGIN, _CHART_END + 32, WIDTH - 2 * _MARGIN
    canvas.box(x, y, width, _bars_height(view), CARD, 40)
    canvas.words(x + 44, y + 62, view.types, 36, INK, "SemiBold")
    most = max(1, *(bar.count for bar in view.bars)) if view.bars else 1
    names = [canvas.clipped(bar.name, 28, _NAMES) for bar in view.bars]
    left = x + 44 + max((canvas.width_of(name, 28) for name in names), default=0.0) + 28
    room = x + width - 130 - left
    for number, (name, bar) in enumerate(zip(names, view.bars, strict=True)):
        base = y + _BARS_HEAD + _ROW * number + 28
        length = max(room * bar.count / most, 12)
        canvas.words(x + 44, base, name, 28, QUIET)
        canvas.box(left, base - 20, length, 22, _BAR, 11)
        canvas.words(left + length + 18, base, str(bar.count), 28, INK, "SemiBold")
