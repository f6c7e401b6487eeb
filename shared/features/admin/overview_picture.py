"""How the bots do, as a picture: four figures, and 30 days of requests and of users as bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from shared.core.pictures.canvas import Canvas
from shared.core.pictures.colors import CARD, GROUND, INK, QUIET, TRACK

WIDTH, HEIGHT = 1280, 1180  # twice what a phone shows, so it stays sharp
_MARGIN, _GAP = 56, 24
_TILE_HEIGHT = 236
_TOP = 156 + _TILE_HEIGHT + _GAP  # where the charts begin
_CHART_HEIGHT = 342
_SEEN = 6  # pixels that anything on top of a bar has at least


@dataclass(frozen=True)
class Tile:
    """One figure with its name over it and two lines under it at most; the words are ready to be written."""

    title: str
    figure: str
    about: Sequence[str]


@dataclass(frozen=True)
class Bar:
    """One day: what stands below, and what is put on top of it."""

    label: str
    base: int
    top: int = 0


@dataclass(frozen=True)
class Colors:
    """Of a chart: the days before today, today, and what is put on top."""

    past: str
    today: str
    top: str


@dataclass(frozen=True)
class Chart:
    """A card with bars, today last. `top` names what is put on top; `nothing` stands instead of bars."""

    title: str
    about: str
    bars: Sequence[Bar]
    top: str
    nothing: str
    colors: Colors


REQUESTS = Colors("#5f86c4", "#4f8fff", "#ff7287")
USERS = Colors("#2b8f74", "#2fd3a2", "#f7b23b")


@dataclass(frozen=True)
class OverviewPicture:
    """All that the picture shows."""

    title: str
    date: str
    tiles: Sequence[Tile]
    charts: Sequence[Chart]  # two of them


def draw(view: OverviewPicture) -> BytesIO:
    """Return the picture as a PNG file."""
    canvas = Canvas(WIDTH, HEIGHT, GROUND)
    canvas.words(_MARGIN, 104, view.title, 60, INK, "SemiBold")
    canvas.words(WIDTH - _MARGIN, 104, view.date, 36, QUIET, anchor="r")
    _tiles(canvas, view.tiles)
    for number, chart in enumerate(view.charts):
        _chart(canvas, _TOP + number * (_CHART_HEIGHT + _GAP), chart)
    picture = canvas.png()
    picture.name = "overview.png"
    return picture


def _tiles(canvas: Canvas, tiles: Sequence[Tile]) -> None:
    """Draw the figures side by side, in the size that the longest one allows."""
    width = (WIDTH - 2 * _MARGIN - _GAP * (len(tiles) - 1)) / len(tiles)
    room = width - 56
    size = min(canvas.fitting(tile.figure, 60, room, "SemiBold") for tile in tiles)
    small = min(canvas.fitting(text, 28, room) for tile in tiles for text in (tile.title, *tile.about))
    for number, tile in enumerate(tiles):
        x, y = _MARGIN + number * (width + _GAP), 156
        canvas.box(x, y, width, _TILE_HEIGHT, CARD, 32)
        canvas.words(x + 28, y + 52, tile.title, small, QUIET)
        canvas.words(x + 28, y + 120, tile.figure, size, INK, "SemiBold")
        for line, text in enumerate(tile.about):
            canvas.words(x + 28, y + 168 + 38 * line, text, small, QUIET)


def _chart(canvas: Canvas, y: float, chart: Chart) -> None:
    x, width, height = _MARGIN, WIDTH - 2 * _MARGIN, _CHART_HEIGHT
    canvas.box(x, y, width, height, CARD, 40)
    left, room = x + 44, width - 88
    written = canvas.words(left, y + 66, chart.title, 36, INK, "SemiBold")
    canvas.words(left + room, y + 66, chart.about, 30, QUIET, anchor="r")
    if any(bar.top for bar in chart.bars):
        at = left + written + 36
        canvas.box(at, y + 44, 22, 22, chart.colors.top, 11)
        canvas.words(at + 34, y + 66, chart.top, 28, QUIET)
    top, bottom = y + 104, y + height - 64
    most = max(5, *(bar.base + bar.top for bar in chart.bars))  # a first request is no record
    step = room / len(chart.bars)
    for number, bar in enumerate(chart.bars):
        at, left_of_today = left + number * step, len(chart.bars) - 1 - number
        canvas.box(at + step * 0.16, bottom - 8, step * 0.68, 8, TRACK, 4)
        colors = (chart.colors.past if left_of_today else chart.colors.today, chart.colors.top)
        _bar(canvas, at + step * 0.16, step * 0.68, bottom, (bottom - top) / most, bar, colors)
        if not left_of_today:
            canvas.words(left + room, bottom + 42, bar.label, 28, INK, "SemiBold", "r")
        elif left_of_today % 7 == 0:
            canvas.words(at + step / 2, bottom + 42, bar.label, 28, QUIET, anchor="m")
    if not any(bar.base + bar.top for bar in chart.bars):
        size = canvas.fitting(chart.nothing, 34, room)
        canvas.words(x + width / 2, (top + bottom) / 2, chart.nothing, size, QUIET, anchor="m")


def _bar(
    canvas: Canvas, x: float, width: float, bottom: float, unit: float, bar: Bar, colors: tuple[str, str]
) -> None:
    """Draw one day; the uppermost part has the round end, and each is seen beside hundreds of the other."""
    base = max(bar.base * unit, 14) if bar.base else 0
    top = max(bar.top * unit, _SEEN if base else 14) if bar.top else 0
    canvas.box(x, bottom - base - top, width, base + top, colors[1 if top else 0], width / 2, top=True)
    if top:
        canvas.box(x, bottom - base, width, base, colors[0])
