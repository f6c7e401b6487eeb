"""A certificate as a picture, and as a sheet to print."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from shared.core.pictures.canvas import Canvas, drawable

WIDTH, HEIGHT = 1280, 904  # the shape of a sheet on its side
_EDGE = 40
_PAPER, _FRAME, _INK, _QUIET, _SEAL = "#fbf9f3", "#26436f", "#17212b", "#5d6b7a", "#f7b23b"
_WIDEST = WIDTH - 6 * _EDGE
_LARGE, _SMALLEST = 84, 30  # of a name


@dataclass(frozen=True)
class Certificate:
    """All that the picture shows; the words are ready to be written."""

    title: str
    name: str
    passed: str
    scenario: str  # what was passed or completed
    score: str  # empty: none
    date: str
    number: str
    check: str  # where everyone can check the number


def name_of(name: str, username: str) -> str:
    """Return the name that the picture can show: @username where the typeface has no letter of the name."""
    return f"@{username}" if username and not drawable(name) else name


def draw(view: Certificate) -> BytesIO:
    """Return the picture as a PNG file."""
    canvas = Canvas(WIDTH, HEIGHT, _FRAME)
    canvas.box(_EDGE, _EDGE, WIDTH - 2 * _EDGE, HEIGHT - 2 * _EDGE, _PAPER, 28)
    middle = WIDTH / 2
    canvas.words(
        middle, 180, view.title, canvas.fitting(view.title, 72, _WIDEST, "SemiBold"), _FRAME, "SemiBold", "m"
    )
    canvas.box(middle - 60, 214, 120, 6, _SEAL, 3)
    _name(canvas, middle, drawable(view.name) or "—")
    canvas.words(middle, 450, view.passed, 36, _QUIET, anchor="m")
    canvas.words(
        middle,
        540,
        view.scenario,
        canvas.fitting(view.scenario, 56, _WIDEST, "SemiBold"),
        _FRAME,
        "SemiBold",
        "m",
    )
    canvas.words(middle, 620, view.score, 44, _INK, "SemiBold", "m")
    left, right, last = 2.5 * _EDGE, WIDTH - 2.5 * _EDGE, HEIGHT - 2.5 * _EDGE
    canvas.words(left, last, view.date, 32, _QUIET)
    canvas.words(right, last - 44, view.number, 32, _QUIET, anchor="r")
    canvas.words(right, last, view.check, canvas.fitting(view.check, 32, 800), _QUIET, anchor="r")
    picture = canvas.png()
    picture.name = "certificate.png"
    return picture


def pdf(view: Certificate) -> bytes:
    """Return the certificate as a PDF file with one page, A4 on its side."""
    sheet = BytesIO()
    with Image.open(draw(view)) as picture:
        picture.convert("RGB").save(sheet, "PDF", resolution=WIDTH / 11.69, title=view.title)
    return sheet.getvalue()


def _name(canvas: Canvas, middle: float, name: str) -> None:
    """Write a name in one line, a long one in two; smaller where it must be, and cut only below that."""
    lines = [name]
    if canvas.width_of(name, _LARGE, "SemiBold") > _WIDEST:
        lines = _halves(name)
    size = min(canvas.fitting(line, _LARGE if len(lines) == 1 else 60, _WIDEST, "SemiBold") for line in lines)
    size = max(size, _SMALLEST)
    gap = round(size * 1.2)
    first = 352 - (len(lines) - 1) * gap / 2 + (size - 60) / 4
    for number, line in enumerate(lines):
        shown = canvas.clipped(line, size, _WIDEST, "SemiBold")
        canvas.words(middle, first + gap * number, shown, size, _INK, "SemiBold", "m")


def _halves(name: str) -> list[str]:
    """Cut a name into two lines of about the same length: between words if there are several."""
    words = name.split()
    if len(words) == 1:
        return [name[: (len(name) + 1) // 2], name[(len(name) + 1) // 2 :]]
    cuts = [(" ".join(words[:place]), " ".join(words[place:])) for place in range(1, len(words))]
    return list(min(cuts, key=lambda cut: max(map(len, cut))))
