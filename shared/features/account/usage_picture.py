"""A user's requests as a picture: today as a ring, the month and the bonus beside it, 30 days as bars."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from shared.core.pictures.canvas import Canvas
from shared.core.pictures.colors import CARD, GROUND, INK, QUIET, TRACK
from shared.features.account.usage_view import Day, Meter, UsageView, shows_limit

WIDTH, HEIGHT = 1280, 960  # twice what a phone shows, so it stays sharp
_MARGIN = 56
_DASH = "#7688a0"
_PLAN, _BONUS, _OWN, _OUT = "#4f8fff", "#f7b23b", "#2fd3a2", "#ff7287"
_OUT_TRACK, _BONUS_BADGE, _BONUS_INK = "#4d2d38", "#4b3b1d", "#ffcb66"
_PALE = "#5f86c4"  # the plan's colour on the days before today
_PLAN_BADGE, _PLAN_INK = "#26436f", "#a9c9ff"


def draw(view: UsageView) -> BytesIO:
    """Return the picture as a PNG file."""
    canvas = Canvas(WIDTH, HEIGHT, GROUND)
    _head(canvas, view)
    _today(canvas, view.today)
    _month(canvas, view)
    _chart(canvas, view)
    picture = canvas.png()
    picture.name = "usage.png"
    return picture


def _head(canvas: Canvas, view: UsageView) -> None:
    size = canvas.fitting(view.plan, 36, 420, "SemiBold")
    width = canvas.width_of(view.plan, size, "SemiBold") + 56
    canvas.words(_MARGIN, 104, view.title, 60, INK, "SemiBold")
    canvas.box(WIDTH - _MARGIN - width, 52, width, 68, _PLAN_BADGE, 34)
    canvas.words(WIDTH - _MARGIN - width / 2, 86 + size * 0.36, view.plan, size, _PLAN_INK, "SemiBold", "m")


def _today(canvas: Canvas, today: Meter) -> None:
    x, y, width, height = _MARGIN, 156, 572, 352
    canvas.box(x, y, width, height, CARD, 40)
    middle, radius = (x + 176, y + height / 2), 132
    canvas.ring(*middle, radius, 34, 1, _OUT_TRACK if today.is_out else TRACK)
    canvas.ring(*middle, radius, 34, 1 - today.share, _PLAN)
    color = _OUT if today.is_out else INK
    size = canvas.fitting(today.figure, 96, 2 * radius - 96, "SemiBold")
    canvas.words(middle[0], middle[1] + size * 0.36, today.figure, size, color, "SemiBold", "m")
    left, room = x + 344, width - 344 - 24
    lines = canvas.lines(today.about, 34, room)
    top = middle[1] - 22 * len(lines)
    canvas.words(
        left, top + 14, today.title, canvas.fitting(today.title, 46, room, "SemiBold"), INK, "SemiBold"
    )
    for number, line in enumerate(lines):
        canvas.words(left, top + 66 + 44 * number, line, canvas.fitting(line, 34, room), QUIET)


def _month(canvas: Canvas, view: UsageView) -> None:
    month = view.month
    x, y, width, height = 660, 156, 564, 352
    canvas.box(x, y, width, height, CARD, 40)
    left, room = x + 44, width - 88
    top = y + (0 if view.bonus else 44)
    canvas.words(left, top + 76, month.title, canvas.fitting(month.title, 36, room), QUIET)
    size = canvas.fitting(month.figure, 96, room * 0.6, "SemiBold")
    written = canvas.words(left, top + 174, month.figure, size, _OUT if month.is_out else INK, "SemiBold")
    about = canvas.fitting(month.about, 36, room - written - 20)
    canvas.words(left + written + 20, top + 174, month.about, about, QUIET)
    if month.limit is None:
        canvas.words(left, top + 228, view.average, canvas.fitting(view.average, 34, room), QUIET)
    else:
        canvas.box(left, top + 206, room, 24, _OUT_TRACK if month.is_out else TRACK, 12)
        canvas.box(
            left,
            top + 206,
            max(room * month.share, 24 if month.used else 0),
            24,
            _OUT if month.is_out else _PLAN,
            12,
        )
    if view.bonus:
        size = canvas.fitting(view.bonus, 34, room - 48, "SemiBold")
        canvas.box(left, y + 260, canvas.width_of(view.bonus, size, "SemiBold") + 48, 60, _BONUS_BADGE, 30)
        canvas.words(left + 24, y + 290 + size * 0.36, view.bonus, size, _BONUS_INK, "SemiBold")


def _chart(canvas: Canvas, view: UsageView) -> None:
    x, y, width, height = _MARGIN, 540, WIDTH - 2 * _MARGIN, 364
    canvas.box(x, y, width, height, CARD, 40)
    left, room = x + 44, width - 88
    written = canvas.words(left, y + 66, view.chart, 36, INK, "SemiBold")
    about = canvas.words(left + room, y + 66, view.chart_about, 30, QUIET, anchor="r")
    _legend(canvas, left + written + 36, y + 66, view.legend, room - written - about - 72)
    top, bottom = y + 104, y + height - 64
    most = _scale(view)
    if shows_limit(view.days, view.today.limit):
        canvas.dashes(left, bottom - (bottom - top) * (view.today.limit or 0) / most, room, _DASH)
    step = room / len(view.days)
    for number, day in enumerate(view.days):
        at, is_today = left + number * step, number == len(view.days) - 1
        canvas.box(at + step * 0.16, bottom - 8, step * 0.68, 8, TRACK, 4)
        _bar(canvas, at + step * 0.16, step * 0.68, bottom, (bottom - top) / most, day, is_today)
        if is_today:
            canvas.words(left + room, bottom + 42, day.label, 28, INK, "SemiBold", "r")
        elif (len(view.days) - 1 - number) % 7 == 0:
            canvas.words(at + step / 2, bottom + 42, day.label, 28, QUIET, anchor="m")
    if not any(day.total for day in view.days):
        canvas.words(
            x + width / 2,
            (top + bottom) / 2,
            view.nothing,
            canvas.fitting(view.nothing, 34, room),
            QUIET,
            anchor="m",
        )


def _scale(view: UsageView) -> int:
    """Return how many requests are as high as the chart."""
    most = max(5, *(day.total for day in view.days))  # a first request is no record
    return max(most, view.today.limit or 0) if shows_limit(view.days, view.today.limit) else most


def _bar(
    canvas: Canvas, x: float, width: float, bottom: float, unit: float, day: Day, is_today: bool
) -> None:
    """Draw one day: the plan's requests below, those on bonus credits and an own key above."""
    unit = max(unit, 14 / max(day.total, 1))  # a single request is seen beside hundreds
    rest, is_top = day.total, True
    for color, count in ((_OWN, day.own), (_BONUS, day.bonus), (_PLAN if is_today else _PALE, day.plan)):
        if count:
            canvas.box(
                x, bottom - rest * unit, width, rest * unit, color, width / 2 if is_top else 0, top=True
            )
            rest, is_top = rest - count, False


def _legend(canvas: Canvas, x: float, y: float, legend: Sequence[tuple[str, str]], room: float) -> None:
    size = 28
    while size > 16 and sum(70 + canvas.width_of(word, size) for _, word in legend) > room:
        size -= 2
    for kind, word in legend:
        if kind == "limit":
            canvas.dashes(x - 12, y - 11, 34, _DASH)
        else:
            canvas.box(x, y - 22, 22, 22, _BONUS if kind == "bonus" else _OWN, 11)
        x += 34 + canvas.words(x + 34, y, word, size, QUIET) + 36
