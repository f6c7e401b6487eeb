"""The user's progress in all bots as a picture: the level as a ring, streak, badges, last sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from shared.core.pictures.canvas import Canvas
from shared.core.pictures.colors import (
    BLUE,
    BLUE_BADGE,
    BLUE_INK,
    CARD,
    GOLD,
    GOLD_BADGE,
    GOLD_INK,
    GREEN,
    GROUND,
    INK,
    QUIET,
    TRACK,
)

WIDTH = 1280  # twice what a phone shows, so it stays sharp
_MARGIN, _GAP = 56, 32
_INNER = WIDTH - 2 * _MARGIN - 88  # within a card of the full width
_CHIP, _CHIP_ROWS = 64, 2
_BAR, _BAR_WIDTH = 64, 360  # height of a row, length of a whole bar


@dataclass(frozen=True)
class Bar:
    """A row with a bar; `share` is its length, 0 to 1. `about` stands before the name, quietly."""

    name: str
    figure: str
    share: float
    about: str = ""


@dataclass(frozen=True)
class Bars:
    """A card of bars."""

    title: str
    rows: Sequence[Bar]


@dataclass(frozen=True)
class Streak:
    """The days in a row; empty strings are left out."""

    title: str
    figure: str  # "12"
    word: str  # "days in a row"
    today: str  # that today counts already
    longest: str
    note: str  # the freezes, or that it is paused


@dataclass(frozen=True)
class ProfilePicture:
    """All that the picture shows; empty strings are left out."""

    name: str
    rank: str  # the level's name
    level: str  # in the ring
    level_word: str  # below it
    share: float  # of the way to the next level, 0 to 1
    xp: str
    next_level: str  # "260 XP to level 5"
    streak: Streak
    badges_title: str
    badges_about: str  # "3 of 14"
    badges: Sequence[str]  # the newest first
    no_badges: str
    bars: Sequence[Bars]


def draw(view: ProfilePicture) -> BytesIO:
    """Return the picture as a PNG file."""
    sketch = Canvas(8, 8, GROUND)
    rows, hidden = _chip_rows(sketch, view.badges)
    badges = 104 + max(len(rows), 1) * (_CHIP + 16) + 20
    cards = sum(_GAP + _bars_height(card) for card in view.bars)
    height = 156 + 352 + _GAP + badges + cards + _MARGIN
    canvas = Canvas(WIDTH, height, GROUND)
    _head(canvas, view)
    _level(canvas, view)
    _streak(canvas, view.streak)
    y = 156 + 352 + _GAP
    _badges(canvas, y, badges, view, rows, hidden)
    y += badges + _GAP
    for card in view.bars:
        _bars(canvas, y, card)
        y += _bars_height(card) + _GAP
    picture = canvas.png()
    picture.name = "profile.png"
    return picture


def _head(canvas: Canvas, view: ProfilePicture) -> None:
    width = 0.0
    if view.rank:
        size = canvas.fitting(view.rank, 36, 420, "SemiBold")
        width = canvas.width_of(view.rank, size, "SemiBold") + 56
        canvas.box(WIDTH - _MARGIN - width, 52, width, 68, BLUE_BADGE, 34)
        middle = WIDTH - _MARGIN - width / 2
        canvas.words(middle, 86 + size * 0.36, view.rank, size, BLUE_INK, "SemiBold", "m")
    room = WIDTH - 2 * _MARGIN - width - 32
    canvas.words(_MARGIN, 106, canvas.clipped(view.name, 60, room, "SemiBold"), 60, INK, "SemiBold")


def _level(canvas: Canvas, view: ProfilePicture) -> None:
    x, y, width, height = _MARGIN, 156, 640, 352
    canvas.box(x, y, width, height, CARD, 40)
    middle, radius = (x + 176, y + height / 2), 132
    canvas.ring(*middle, radius, 30, 1, TRACK)
    canvas.ring(*middle, radius, 30, view.share, BLUE)
    size = canvas.fitting(view.level, 96, 160, "SemiBold")
    canvas.words(middle[0], middle[1] + size * 0.36 - 16, view.level, size, INK, "SemiBold", "m")
    word = canvas.fitting(view.level_word, 28, 150)
    canvas.words(middle[0], middle[1] + 56, view.level_word, word, QUIET, anchor="m")
    left, room = x + 344, width - 344 - 28
    lines = canvas.lines(view.next_level, 34, room)
    top = middle[1] - 22 * len(lines)
    canvas.words(left, top + 14, view.xp, canvas.fitting(view.xp, 52, room, "SemiBold"), INK, "SemiBold")
    for number, line in enumerate(lines):
        canvas.words(left, top + 68 + 44 * number, line, canvas.fitting(line, 34, room), QUIET)


def _streak(canvas: Canvas, streak: Streak) -> None:
    x, y, height = _MARGIN + 640 + _GAP, 156, 352
    width = WIDTH - _MARGIN - x
    canvas.box(x, y, width, height, CARD, 40)
    left, room = x + 44, width - 88
    title = canvas.words(left, y + 70, streak.title, 36, QUIET)
    today = canvas.fitting(streak.today, 28, room - title - 20, "SemiBold")
    canvas.words(left + room, y + 70, streak.today, today, GREEN, "SemiBold", "r")
    size = canvas.fitting(streak.figure, 96, room * 0.55, "SemiBold")
    written = canvas.words(left, y + 174, streak.figure, size, INK, "SemiBold")
    about = canvas.fitting(streak.word, 34, room - written - 20)
    canvas.words(left + written + 20, y + 174, streak.word, about, QUIET)
    if streak.note:
        canvas.words(left, y + 228, streak.longest, canvas.fitting(streak.longest, 32, room), QUIET)
    else:  # there is room for two lines, which a phone shows larger than one that was made to fit
        for number, line in enumerate(canvas.lines(streak.longest, 32, room)):
            canvas.words(left, y + 228 + 44 * number, line, canvas.fitting(line, 32, room), QUIET)
    if streak.note:
        size = canvas.fitting(streak.note, 32, room - 48, "SemiBold")
        canvas.box(left, y + 258, canvas.width_of(streak.note, size, "SemiBold") + 48, 60, BLUE_BADGE, 30)
        canvas.words(left + 24, y + 288 + size * 0.36, streak.note, size, BLUE_INK, "SemiBold")


def _title(canvas: Canvas, y: float, title: str, about: str = "") -> None:
    left = _MARGIN + 44
    canvas.words(left, y + 66, title, 36, INK, "SemiBold")
    canvas.words(left + _INNER, y + 66, about, 32, QUIET, anchor="r")


def _chip_rows(canvas: Canvas, names: Sequence[str]) -> tuple[list[list[tuple[str, float]]], int]:
    """Arrange the badges' names in rows, each with its width; return also how many found no place."""
    rows: list[list[tuple[str, float]]] = []
    left = 0.0
    for number, name in enumerate(names):
        words = canvas.clipped(name, 30, 460, "SemiBold")
        width = canvas.width_of(words, 30, "SemiBold") + 92
        is_last_row = len(rows) == _CHIP_ROWS
        more = 120 if is_last_row and number < len(names) - 1 else 0  # room for "+5"
        if rows and left + width + more <= _INNER:
            rows[-1].append((words, width))
        elif is_last_row:
            return rows, len(names) - number
        else:
            rows.append([(words, width)])
            left = 0.0
        left += width + 16
    return rows, 0


def _badges(
    canvas: Canvas,
    y: float,
    height: float,
    view: ProfilePicture,
    rows: Sequence[Sequence[tuple[str, float]]],
    hidden: int,
) -> None:
    canvas.box(_MARGIN, y, WIDTH - 2 * _MARGIN, height, CARD, 40)
    _title(canvas, y, view.badges_title, view.badges_about)
    top, left = y + 100, float(_MARGIN + 44)
    for row in rows:
        left = _MARGIN + 44
        for words, width in row:
            canvas.box(left, top, width, _CHIP, GOLD_BADGE, _CHIP / 2)
            canvas.box(left + 20, top + 18, 28, 28, GOLD, 14)
            canvas.box(left + 28, top + 26, 12, 12, GOLD_BADGE, 6)
            canvas.words(left + 64, top + 43, words, 30, GOLD_INK, "SemiBold")
            left += width + 16
        top += _CHIP + 16
    if hidden:
        canvas.words(left + 8, top - 16 - _CHIP + 43, f"+{hidden}", 32, QUIET, "SemiBold")
    if not rows:
        size = canvas.fitting(view.no_badges, 34, _INNER)
        canvas.words(_MARGIN + 44, top + 38, view.no_badges, size, QUIET)


def _bars_height(card: Bars) -> int:
    return 104 + len(card.rows) * _BAR + 24


def _bars(canvas: Canvas, y: float, card: Bars) -> None:
    canvas.box(_MARGIN, y, WIDTH - 2 * _MARGIN, _bars_height(card), CARD, 40)
    _title(canvas, y, card.title)
    left, right = _MARGIN + 44, _MARGIN + 44 + _INNER
    abouts = max(canvas.width_of(one.about, 30) for one in card.rows)
    figures = max(canvas.width_of(one.figure, 34, "SemiBold") for one in card.rows)
    bar = right - figures - 28 - _BAR_WIDTH
    name = left + (abouts + 28 if abouts else 0)
    for number, one in enumerate(card.rows):
        baseline = y + 136 + number * _BAR
        canvas.words(left, baseline, one.about, 30, QUIET)
        canvas.words(name, baseline, canvas.clipped(one.name, 34, bar - 28 - name), 34, INK)
        canvas.words(right, baseline, one.figure, 34, INK, "SemiBold", "r")
        canvas.box(bar, baseline - 22, _BAR_WIDTH, 20, TRACK, 10)
        canvas.box(bar, baseline - 22, max(_BAR_WIDTH * min(one.share, 1.0), 20), 20, BLUE, 10)
