"""The picture of /progress. It draws its input, words included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from shared.core.pictures.canvas import Canvas
from shared.core.pictures.colors import CARD, GROUND, INK, QUIET, TRACK

WIDTH, HEIGHT = 1280, 1120  # twice what a phone shows, so it stays sharp
_MARGIN = 56
_RIGHT, _WRONG = "#2fd3a2", "#ff7287"


@dataclass(frozen=True)
class Topic:
    """A topic: its name, the share of right answers (0 to 1), and that share in words."""

    name: str
    share: float
    figure: str


@dataclass(frozen=True)
class Day:
    """The answers of a day; `label` names the day."""

    label: str
    answers: int
    right: int


@dataclass(frozen=True)
class ProgressPicture:
    """All that the picture shows. The words are ready to be written."""

    title: str
    percent: int  # of right answers
    share: str  # the percent as the language writes it
    right: str  # below the percent: "right answers"
    figures: Sequence[tuple[str, str]]  # ("12", "quizzes"), at most three
    topics_title: str
    topics: Sequence[Topic]  # at most six
    days_title: str
    days: Sequence[Day]  # today last


def draw(view: ProgressPicture) -> BytesIO:
    """Return the picture as a PNG file."""
    canvas = Canvas(WIDTH, HEIGHT, GROUND)
    canvas.words(
        _MARGIN,
        104,
        view.title,
        canvas.fitting(view.title, 60, WIDTH - 2 * _MARGIN, "SemiBold"),
        INK,
        "SemiBold",
    )
    _share(canvas, view)
    _topics(canvas, view)
    _days(canvas, view)
    picture = canvas.png()
    picture.name = "progress.png"
    return picture


def _share(canvas: Canvas, view: ProgressPicture) -> None:
    x, y, width, height = _MARGIN, 148, 420, 548
    canvas.box(x, y, width, height, CARD, 40)
    middle = (x + width / 2, y + 172)
    canvas.ring(*middle, 132, 34, 1, TRACK)
    canvas.ring(*middle, 132, 34, view.percent / 100, _RIGHT)
    canvas.words(middle[0], middle[1] + 18, view.share, 68, INK, "SemiBold", "m")
    canvas.words(
        middle[0], middle[1] + 60, view.right, canvas.fitting(view.right, 28, 180), QUIET, anchor="m"
    )
    for number, (figure, about) in enumerate(view.figures):
        line = y + 384 + 62 * number
        written = canvas.words(x + 40, line, figure, 44, INK, "SemiBold")
        room = width - 80 - written - 16
        canvas.words(x + 40 + written + 16, line, about, canvas.fitting(about, 30, room), QUIET)


def _topics(canvas: Canvas, view: ProgressPicture) -> None:
    x, y = 516, 148
    width, height = WIDTH - _MARGIN - x, 548
    canvas.box(x, y, width, height, CARD, 40)
    left, room = x + 44, width - 88
    canvas.words(left, y + 66, view.topics_title, 36, INK, "SemiBold")
    for number, topic in enumerate(view.topics):
        line = y + 128 + 72 * number
        written = canvas.width_of(topic.figure, 30)
        canvas.words(left, line, topic.name, canvas.fitting(topic.name, 30, room - written - 24), QUIET)
        canvas.words(left + room, line, topic.figure, 30, INK, anchor="r")
        canvas.box(left, line + 16, room, 16, TRACK, 8)
        if topic.share:
            canvas.box(left, line + 16, max(room * topic.share, 16), 16, _RIGHT, 8)


def _days(canvas: Canvas, view: ProgressPicture) -> None:
    x, y, width, height = _MARGIN, 732, WIDTH - 2 * _MARGIN, 332
    canvas.box(x, y, width, height, CARD, 40)
    left, room = x + 44, width - 88
    canvas.words(
        left, y + 66, view.days_title, canvas.fitting(view.days_title, 36, room, "SemiBold"), INK, "SemiBold"
    )
    top, bottom = y + 100, y + height - 64
    unit = (bottom - top) / max(10, *(day.answers for day in view.days))
    step = room / len(view.days)
    for number, day in enumerate(view.days):
        at, thick = left + number * step + step * 0.16, step * 0.68
        canvas.box(at, bottom - 8, thick, 8, TRACK, 4)
        if day.answers:
            whole = max(day.answers * unit, 14)
            canvas.box(at, bottom - whole, thick, whole, _WRONG, thick / 2, top=True)
            if day.right:
                part = whole * day.right / day.answers
                is_all = day.right == day.answers
                canvas.box(at, bottom - part, thick, part, _RIGHT, thick / 2 if is_all else 0, top=True)
        if number == len(view.days) - 1:
            canvas.words(left + room, bottom + 42, day.label, 28, INK, "SemiBold", "r")
        elif (len(view.days) - 1 - number) % 7 == 0:
            canvas.words(at + thick / 2, bottom + 42, day.label, 28, QUIET, anchor="m")
