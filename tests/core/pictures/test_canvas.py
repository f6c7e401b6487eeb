"""The canvas cuts text into lines, and its typeface has every letter of the texts that stand on pictures."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest

from shared.core import texts
from shared.core.pictures.canvas import Canvas, _font, drawable

# Texts that stand on a picture.
SHOWN = ("picture_", "plan_", "stats_picture", "stats_tile")
SHOWN += ("top_", "badge_", "level_name_", "bot_name_", "session_")


@pytest.mark.parametrize("code", [path.stem for path in Path(texts.__file__).parent.glob("??.py")])
def test_the_typeface_has_every_letter_of_every_language(code: str) -> None:
    language = texts.language(code)
    words = [text for key, text in texts.table(code).items() if key.startswith(SHOWN)]
    letters = set("".join([*words, *language.MONTHS, "0123456789.,\u00a0+−∞₽$"])) - set("{}|\n_*`🏅🏆🖼🔒")
    for weight in ("Medium", "SemiBold"):
        font = _font(weight, 40)  # type: ignore[arg-type]
        missing = bytes(font.getmask("\uffff"))
        lacking = [letter for letter in letters if letter.strip() and bytes(font.getmask(letter)) == missing]
        assert not lacking, f"{weight} lacks {lacking}: make the subset larger (shared/core/pictures/fonts)"


def test_words_are_cut_into_lines_and_kept_together_where_they_must_be() -> None:
    canvas = Canvas(10, 10, "#fff")
    assert canvas.lines("left of\u00a025", 34, 130) == ["left", "of\u00a025"]
    assert canvas.lines("left of\u00a025", 34, 500) == ["left of\u00a025"]
    assert canvas.lines("", 34, 100) == [""]


def test_the_licence_of_the_typeface_is_shipped() -> None:
    fonts = Path(texts.__file__).parents[1] / "pictures" / "fonts"
    assert "SIL OPEN FONT LICENSE" in (fonts / "OFL.txt").read_text()
    assert BytesIO((fonts / "Inter-Medium.otf").read_bytes()).read(4) == b"OTTO"


def test_a_long_text_is_cut_with_an_ellipsis() -> None:
    canvas = Canvas(10, 10, "#fff")
    assert canvas.clipped("Anna", 34, 500) == "Anna"
    cut = canvas.clipped("Maximilian von und zu Hohenzollern", 34, 300)
    assert cut.startswith("Maximilian") and cut.endswith("…") and " …" not in cut
    assert canvas.width_of(cut, 34) <= 300
    assert canvas.clipped("Anna", 34, 1) == "…"


@pytest.mark.parametrize(
    ("text", "shown"),
    [("Анна 🦊 Lee", "Анна Lee"), ("\u0645\u062d\u0645", ""), ("李雷", ""), ("Zoë Łukasz", "Zoë Łukasz")],
)
def test_characters_that_the_typeface_lacks_are_left_out(text: str, shown: str) -> None:
    assert drawable(text) == shown
