"""The picture of /stats shows its figures, and every text fits its card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from PIL import Image

from shared.features.admin.overview_picture import (
    HEIGHT,
    REQUESTS,
    USERS,
    WIDTH,
    Bar,
    Chart,
    OverviewPicture,
    Tile,
    draw,
)
from tests.features.account.test_usage_picture import AMBER, BLUE, GREEN, PALE, RED, count

MINT = (43, 143, 116)
LABELS = [f"{n} Nov" for n in range(30)]
UPPER, LOWER = (56, 500, WIDTH - 56, 700), (56, 860, WIDTH - 56, 1080)


def bars(base: int, top: int = 0) -> list[Bar]:
    return [Bar(label, base, top) for label in LABELS]


def view(
    requests: Sequence[Bar], users: Sequence[Bar], tiles: Sequence[Tile] | None = None
) -> OverviewPicture:
    return OverviewPicture(
        title="How the bots do",
        date="21 November",
        tiles=tiles or [Tile("People", "12", ["today: +1", "30 days: +3"])] * 4,
        charts=[
            Chart("Requests", "most in a day: 9", requests, "AI errors", "No activity in 30 days", REQUESTS),
            Chart("Active users", "most in a day: 9", users, "new", "No activity in 30 days", USERS),
        ],
    )


def picture(view: OverviewPicture) -> Image.Image:
    return Image.open(draw(view)).convert("RGB")


def test_the_picture_is_a_png_of_a_suitable_size() -> None:
    file = draw(view(bars(5), bars(5)))
    assert (file.name, file.tell(), file.getvalue()[:8]) == ("overview.png", 0, b"\x89PNG\r\n\x1a\n")
    image = Image.open(file)
    assert image.size == (WIDTH, HEIGHT)
    assert image.width + image.height <= 10_000, "what sendPhoto takes"
    assert len(file.getvalue()) < 150_000


def test_each_day_has_a_bar_as_high_as_its_figure() -> None:
    growing = [Bar(label, number * 10) for number, label in enumerate(LABELS)]
    image = picture(view(growing, bars(0)))
    step = (WIDTH - 2 * 56 - 88) / 30
    heights = [
        count(image, PALE, (int(100 + n * step), UPPER[1], int(100 + (n + 1) * step), UPPER[3]))
        for n in range(29)
    ]
    assert heights[0] == 0
    assert heights[3:] == sorted(heights[3:])
    assert heights[28] / heights[14] == pytest.approx(2, abs=0.2)
    assert count(image, BLUE, UPPER) > heights[28] * 0.9, "today's bar is the strong one"
    assert count(image, MINT, LOWER) == count(image, GREEN, LOWER) == 0


def test_the_two_charts_have_their_own_figures_and_colours() -> None:
    requests_only, people_only = picture(view(bars(5), bars(0))), picture(view(bars(0), bars(5)))
    assert count(requests_only, PALE, UPPER) > 1000
    assert count(people_only, MINT, LOWER) > 1000
    assert count(requests_only, MINT) == count(people_only, PALE) == 0


def test_errors_and_new_users_are_at_the_top() -> None:
    plain, mixed = picture(view(bars(6), bars(6))), picture(view(bars(6, 6), bars(6, 6)))
    assert count(plain, RED) == count(plain, AMBER) == 0
    assert count(mixed, RED, UPPER) / count(mixed, PALE, UPPER) == pytest.approx(1, abs=0.2)
    assert count(mixed, AMBER, LOWER) / count(mixed, MINT, LOWER) == pytest.approx(1, abs=0.2)


def test_a_single_error_is_visible_beside_thousands_of_requests() -> None:
    one = [*bars(5000)[:-1], Bar("today", 5000, 1)]
    assert count(picture(view(one, bars(1))), RED, UPPER) > 30


def test_an_empty_month_says_so() -> None:
    dark, hint = (169, 184, 200), (300, 560, 980, 640)
    assert count(picture(view(bars(0), bars(0))), dark, hint) > 200
    assert count(picture(view(bars(1), bars(0))), dark, hint) == 0


def test_long_words_and_figures_stay_on_their_tiles() -> None:
    tile = Tile("Расходы за очень долгий месяц", "$1 234 567 890,12", ["30 дней: $1 234 567 890,12"] * 2)
    image = picture(view(bars(5), bars(5), [tile] * 4))
    width = (WIDTH - 2 * 56 - 3 * 24) / 4
    gaps = [int(56 + n * (width + 24) - 12) for n in range(1, 4)]
    edges = [(x, y) for x in (20, *gaps, WIDTH - 20) for y in range(156, 392)]
    assert {image.getpixel(edge) for edge in edges} == {image.getpixel((5, 5))}


def test_one_figure_changes_the_picture() -> None:
    one = view(bars(5), bars(5))
    tiles = [replace(one.tiles[0], figure="13"), *one.tiles[1:]]
    assert draw(one).getvalue() == draw(one).getvalue()
    assert draw(one).getvalue() != draw(replace(one, tiles=tiles)).getvalue()
