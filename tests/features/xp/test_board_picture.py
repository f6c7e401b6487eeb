"""The leaderboard as a picture: a row a place, the user's own marked, and every name within its row."""

from __future__ import annotations

import pytest
from PIL import Image

from shared.core.pictures import colors
from shared.features.xp.board_picture import WIDTH, BoardPicture, Row, draw
from tests.features.account.test_usage_picture import contrast, count

GOLD, OWN, INK = (247, 178, 59), (38, 67, 111), (243, 246, 250)


def row(rank: int, name: str = "User 48211", xp: str = "120 XP", *, is_own: bool = False) -> Row:
    return Row(rank, str(rank), name, "level 3", xp, is_own)


def picture(*rows: Row, own: Row | None = None, nothing: str = "") -> Image.Image:
    file = draw(BoardPicture("Leaderboard", "Today", "All bots", rows, own, nothing))
    assert len(file.getvalue()) < 150_000
    return Image.open(file).convert("RGB")


def test_a_place_more_is_a_row_more_and_ties_share_a_medal() -> None:
    one, three = picture(row(1), row(2), row(3)), picture(row(1), row(1), row(3), row(4))
    assert one.width == three.width == WIDTH
    assert three.height - one.height == 100
    assert count(three, GOLD) > 1.8 * count(one, GOLD) > 1000


def test_the_users_place_is_marked_and_stands_below_when_it_is_far_down() -> None:
    plain = picture(*map(row, range(1, 11)))
    own = (*map(row, range(1, 4)), row(4, "You", is_own=True), *map(row, range(5, 11)))
    far = picture(*map(row, range(1, 11)), own=row(123_456, "You", is_own=True))
    area = (60, 180, WIDTH - 60, plain.height)
    assert count(plain, OWN, area) == 0
    assert count(picture(*own), OWN, area) > 60_000
    assert far.height > plain.height
    assert count(far, OWN, (60, plain.height - 20, WIDTH - 60, far.height)) > 60_000


def test_names_and_millions_do_not_run_into_each_other() -> None:
    long = picture(row(1, "W" * 64, "12,345,678 XP"), row(2, "", "0 XP"))
    ground = long.getpixel((5, 5))
    assert {long.getpixel((x, y)) for x in (30, WIDTH - 30) for y in range(200, 380)} == {ground}
    right = (WIDTH - 56 - 32 - 290, 200, WIDTH - 88, 280)
    short = picture(row(1, "Li", "12,345,678 XP"), row(2, "", "0 XP"))
    assert count(long, INK, right) == pytest.approx(count(short, INK, right), rel=0.02)


def test_an_empty_board_says_so() -> None:
    area = (180, 200, 1000, 380)
    quiet = (169, 184, 200)
    assert count(picture(nothing="No one has earned XP here yet"), quiet, area) > 500
    assert count(picture(), quiet, area) == 0


@pytest.mark.parametrize(("front", "back", "least"), [
    ("INK", "CARD", 7), ("INK", "BLUE_BADGE", 7), ("QUIET", "CARD", 4.5), ("QUIET", "GROUND", 4.5),
    ("BLUE_INK", "BLUE_BADGE", 4.5), ("GOLD_INK", "GOLD_BADGE", 4.5), ("GREEN", "CARD", 4.5),
    ("DARK_INK", "GOLD", 4.5), ("DARK_INK", "SILVER", 4.5), ("DARK_INK", "BRONZE", 4.5), ("BLUE", "CARD", 3),
])  # fmt: skip
def test_words_have_contrast_in_light_and_dark_chats(front: str, back: str, least: float) -> None:
    assert contrast(getattr(colors, front), getattr(colors, back)) >= least
