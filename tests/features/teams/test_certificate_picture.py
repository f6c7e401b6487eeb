"""The picture of a certificate with names of every length."""

from __future__ import annotations

import pytest
from PIL import Image

from shared.features.common import certificate_picture
from shared.features.common.certificate_picture import HEIGHT, WIDTH, Certificate

# Rows and columns of the sheet that the name alone may use, and the edges that it keeps free.
NAME = (0, 230, WIDTH, 414)
EDGES = ((44, 230, 110, 414), (WIDTH - 110, 230, WIDTH - 44, 414))


def picture(name: str) -> Image.Image:
    words = (
        "Certificate",
        name,
        "passed the exam",
        "SPIN",
        "Score: 185",
        "Sep 12, 2026",
        "No. abcd-efgh-jkmn",
        "Check it with @sales_bot",
    )
    return Image.open(certificate_picture.draw(Certificate(*words))).convert("L")


@pytest.mark.parametrize(
    "name",
    [
        "Ann",
        "Константинопольский Александр-Владислав Апполинарьевич-Младш",
        "Ж" * 60,
        "W" * 60,
        "Anna Maria Carolina Wilhelmina von Hohenberg und zu Altenburg",
    ],
)
def test_a_name_stays_on_the_sheet_and_large_enough_to_read(name: str) -> None:
    shown = picture(name)
    assert shown.size == (WIDTH, HEIGHT)
    assert all(shown.crop(edge).getextrema()[0] > 200 for edge in EDGES), "the edges stay free"
    dark = [
        row
        for row in range(NAME[1], NAME[3])
        if shown.crop((110, row, WIDTH - 110, row + 1)).getextrema()[0] < 100
    ]
    assert len(dark) >= 20, "letters of at least 20 pixels"


def test_characters_that_the_typeface_lacks_are_left_out() -> None:
    assert picture("🦊 Anna 李雷").tobytes() == picture("Anna").tobytes()
    assert picture("李雷").tobytes() == picture("—").tobytes()


@pytest.mark.parametrize(
    ("name", "username", "shown"),
    [
        ("李雷", "li_lei", "@li_lei"),
        ("李雷", "", "李雷"),
        ("Anna 李雷", "anna", "Anna 李雷"),
        ("", "li", "@li"),
    ],
)
def test_a_name_in_another_script_gives_way_to_the_username(name: str, username: str, shown: str) -> None:
    assert certificate_picture.name_of(name, username) == shown
