"""The leaderboard as a picture: up to ten rows, and the user's own below them where it is further down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from shared.core.pictures.canvas import Canvas, Weight
from shared.core.pictures.colors import (
    BLUE_BADGE,
    BLUE_INK,
    BRONZE,
    CARD,
    DARK_INK,
    GOLD,
    GROUND,
    INK,
    QUIET,
    SILVER,
    TRACK,
)

WIDTH = 1280  # twice what a phone shows, so it stays sharp
_MARGIN, _TOP, _ROW, _GAP, _BREAK = 56, 196, 88, 12, 44
_MEDALS = {1: GOLD, 2: SILVER, 3: BRONZE}


@dataclass(frozen=True)
class Row:
    """One place. `rank` decides the medal; the words are ready to be written."""

    rank: int
    place: str
    name: str
    level: str
    xp: str
    is_own: bool = False


@dataclass(frozen=True)
class BoardPicture:
    """All that the picture shows."""

    title: str
    period: str  # "This week"
    board: str  # "All bots"
    rows: Sequence[Row]
    own: Row | None  # below the rows, where it is none of them
    nothing: str  # instead of rows


def draw(view: BoardPicture) -> BytesIO:
    """Return the picture as a PNG file."""
    count = max(len(view.rows), 2) + (view.own is not None)
    height = _TOP + count * (_ROW + _GAP) - _GAP + _MARGIN + (_BREAK if view.own else 0)
    canvas = Canvas(WIDTH, height, GROUND)
    _head(canvas, view)
    y: float = _TOP
    shown = [*view.rows, *([view.own] if view.own else [])]
    xp = max((canvas.width_of(row.xp, 38, "SemiBold") for row in shown), default=0)
    for row in view.rows:
        _row(canvas, y, row, xp)
        y += _ROW + _GAP
    if not view.rows:
        _nothing(canvas, view.nothing)
    if view.own:
        for number in range(3):
            canvas.box(WIDTH / 2 - 27 + 22 * number, y + _BREAK / 2 - 12, 10, 10, QUIET, 5)
        _row(canvas, y + _BREAK, view.own, xp)
    picture = canvas.png()
    picture.name = "leaderboard.png"
    return picture


def _head(canvas: Canvas, view: BoardPicture) -> None:
    size = canvas.fitting(view.period, 36, 420, "SemiBold")
    width = canvas.width_of(view.period, size, "SemiBold") + 56
    room = WIDTH - 2 * _MARGIN - width - 32
    canvas.words(_MARGIN, 98, view.title, canvas.fitting(view.title, 60, room, "SemiBold"), INK, "SemiBold")
    canvas.words(_MARGIN, 150, canvas.clipped(view.board, 34, room), 34, QUIET)
    canvas.box(WIDTH - _MARGIN - width, 46, width, 68, BLUE_BADGE, 34)
    canvas.words(WIDTH - _MARGIN - width / 2, 80 + size * 0.36, view.period, size, BLUE_INK, "SemiBold", "m")


def _row(canvas: Canvas, y: float, row: Row, xp: float) -> None:
    """Draw a place; `xp` is the width of the column of XP."""
    canvas.box(_MARGIN, y, WIDTH - 2 * _MARGIN, _ROW, BLUE_BADGE if row.is_own else CARD, 28)
    baseline = y + _ROW / 2 + 13
    left = _place(canvas, y, row)
    right = WIDTH - _MARGIN - 32
    quiet = BLUE_INK if row.is_own else QUIET
    canvas.words(right, baseline, row.xp, 38, INK, "SemiBold", "r")
    level = canvas.words(right - xp - 32, baseline, row.level, 30, quiet, anchor="r")
    room = right - xp - 32 - level - 32 - left
    weight: Weight = "SemiBold" if row.is_own else "Medium"
    canvas.words(left, baseline, canvas.clipped(row.name, 38, room, weight), 38, INK, weight)


def _place(canvas: Canvas, y: float, row: Row) -> float:
    """Write the place, on a medal for the first three; return where the name begins."""
    middle = y + _ROW / 2
    medal = _MEDALS.get(row.rank)
    if medal:
        canvas.box(_MARGIN + 24, middle - 29, 58, 58, medal, 29)
        canvas.words(_MARGIN + 53, middle + 13, row.place, 36, DARK_INK, "SemiBold", "m")
        return _MARGIN + 112
    color = INK if row.is_own else QUIET
    width = canvas.width_of(row.place, 36, "SemiBold")
    if width <= 58:
        canvas.words(_MARGIN + 53, middle + 13, row.place, 36, color, "SemiBold", "m")
        return _MARGIN + 112
    canvas.words(_MARGIN + 32, middle + 13, row.place, 36, color, "SemiBold")
    return _MARGIN + 32 + width + 30


def _nothing(canvas: Canvas, words: str) -> None:
    height = 2 * _ROW + _GAP
    canvas.box(_MARGIN, _TOP, WIDTH - 2 * _MARGIN, height, CARD, 28)
    canvas.box(_MARGIN + 40, _TOP + height / 2 - 29, 58, 58, TRACK, 29)
    size = canvas.fitting(words, 36, WIDTH - 2 * _MARGIN - 180)
    canvas.words(_MARGIN + 132, _TOP + height / 2 + size * 0.36, words, size, QUIET)
