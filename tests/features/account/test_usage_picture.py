"""The picture of /usage shows its figures in every language, and every text fits its card."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image

from shared.features.account import usage_picture
from shared.features.account.usage_picture import HEIGHT, WIDTH, draw
from shared.features.account.usage_view import Day, Meter, UsageView

BLUE, PALE, RED = (79, 143, 255), (95, 134, 196), (255, 114, 135)
AMBER, GREEN = (247, 178, 59), (47, 211, 162)
Color = tuple[int, int, int]
Box = tuple[int, int, int, int]
LABELS = [f"{n} Nov" for n in range(30)]

VIEW = UsageView(
    title="Requests",
    plan="Free",
    today=Meter(5, 25, "Today", "20", "left of 25"),
    month=Meter(120, None, "This month", "120", ""),
    days=[Day(label, 4) for label in LABELS],
    average="4 a day on average",
    bonus="",
    chart="30 days",
    chart_about="most in a day: 4",
    legend=[],
    nothing="Your daily usage will appear here",
)


def picture(view: UsageView) -> Image.Image:
    return Image.open(draw(view)).convert("RGB")


def today(used: int, limit: int | None) -> Image.Image:
    return picture(replace(VIEW, today=Meter(used, limit, "Today", "9", "left")))


def count(image: Image.Image, color: Color, box: Box | None = None) -> int:
    """Return the number of pixels of a colour, within the tolerance of a palette."""
    part = image.crop(box) if box else image
    return sum(
        number
        for number, pixel in part.getcolors(part.width * part.height)
        if all(abs(a - b) <= 12 for a, b in zip(pixel, color, strict=True))
    )


def ring(image: Image.Image, color: Color) -> int:
    return count(image, color, (90, 180, 380, 490))


def chart(image: Image.Image, color: Color) -> int:
    return count(image, color, (56, 620, WIDTH - 56, 860))


def test_the_picture_is_a_png_of_a_suitable_size() -> None:
    file = draw(VIEW)
    assert (file.name, file.tell(), file.getvalue()[:8]) == ("usage.png", 0, b"\x89PNG\r\n\x1a\n")
    assert Image.open(file).size == (WIDTH, HEIGHT)
    assert len(file.getvalue()) < 100_000


def test_the_ring_shows_what_is_left() -> None:
    shares = [ring(today(used, 25), BLUE) for used in (0, 5, 20, 24)]
    assert shares == sorted(shares, reverse=True)
    assert shares[1] / shares[0] == pytest.approx(0.8, abs=0.05)
    out = today(25, 25)
    assert ring(out, BLUE) == 0
    assert ring(out, RED) > 100
    assert ring(today(3, None), BLUE) == shares[0]
    assert ring(today(0, 0), RED) > 100


def test_one_used_request_is_seen_on_a_ring_with_round_ends() -> None:
    assert ring(today(1, 1000), BLUE) < ring(today(0, 1000), BLUE) - 200


def test_each_day_has_a_bar_as_high_as_its_requests() -> None:
    days = [Day(label, number) for number, label in enumerate(LABELS)]
    image = picture(replace(VIEW, days=days))
    step = (WIDTH - 2 * 56 - 88) / 30
    heights = [
        count(image, PALE, (int(100 + n * step), 620, int(100 + (n + 1) * step), 860)) for n in range(29)
    ]
    assert heights[0] == 0
    assert heights[5:] == sorted(heights[5:])
    assert heights[28] / heights[14] == pytest.approx(2, abs=0.2)
    assert chart(image, BLUE) > heights[28] * 0.9, "today's bar is the strong one"


def test_bonus_requests_and_those_on_a_user_api_key_have_their_colours() -> None:
    plain = picture(VIEW)
    assert chart(plain, AMBER) == chart(plain, GREEN) == 0
    mixed = picture(replace(VIEW, days=[Day(label, 4, 4, 4) for label in LABELS]))
    amber, green, pale = (chart(mixed, color) for color in (AMBER, GREEN, PALE))
    assert amber / pale == pytest.approx(1, abs=0.15)
    assert green / pale == pytest.approx(1, abs=0.25)


def test_a_month_with_a_limit_has_a_bar_and_without_it_an_average() -> None:
    bar = (700, 395, 1190, 440)
    half = picture(replace(VIEW, month=Meter(250, 500, "This month", "250", "of 500")))
    full = picture(replace(VIEW, month=Meter(600, 500, "This month", "600", "of 500")))
    assert count(picture(VIEW), BLUE, bar) == 0
    assert count(half, BLUE, bar) == pytest.approx(476 / 2 * 24, rel=0.1)
    assert count(full, RED, bar) == pytest.approx(476 * 24, rel=0.1)


def test_a_new_user_sees_an_explanation_instead_of_days() -> None:
    empty = [Day(label, 0) for label in LABELS]
    hint = (300, 690, 980, 780)
    dark = (169, 184, 200)
    assert count(picture(replace(VIEW, days=empty)), dark, hint) > 200
    assert count(picture(replace(VIEW, days=empty, nothing="")), dark, hint) == 0


def test_long_words_shrink_to_fit_their_card() -> None:
    long = "Безлимитный корпоративный тариф"
    view = replace(
        VIEW,
        plan=long,
        bonus="+1 000 000 бонусных запросов",
        today=Meter(1, 9_999_999, "Сегодня", "9 999 998", "осталось из 9 999 999, дальше бонусные"),
        month=Meter(8_888_888, 9_999_999, long, "8 888 888", "из 9 999 999"),
    )
    image = picture(view)
    edges = [(x, y) for x in (20, 640, WIDTH - 20) for y in range(156, 520)]
    assert {image.getpixel(edge) for edge in edges} == {image.getpixel((5, 5))}


def luminance(color: str) -> float:
    """The relative luminance of WCAG 2."""
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("front", "back", "least"), [
    ("INK", "GROUND", 7), ("INK", "CARD", 7), ("QUIET", "CARD", 4.5), ("_PLAN_INK", "_PLAN_BADGE", 4.5),
    ("_BONUS_INK", "_BONUS_BADGE", 4.5), ("_OUT", "CARD", 4.5), ("_PALE", "CARD", 3), ("_PLAN", "CARD", 3),
    ("_OWN", "CARD", 3), ("_BONUS", "CARD", 3), ("_DASH", "CARD", 3),
])  # fmt: skip
def test_words_and_bars_have_contrast_in_light_and_dark_chats(front: str, back: str, least: float) -> None:
    assert contrast(getattr(usage_picture, front), getattr(usage_picture, back)) >= least


def test_a_long_legend_does_not_run_into_the_words_at_its_right() -> None:
    legend: list[tuple[usage_picture.Mark, str]] = [
        ("limit", "1 000 запросов в день"), ("bonus", "бонусные запросы"), ("own", "на своём ключе"),
    ]  # fmt: skip
    box = (900, 570, WIDTH - 60, 625)
    quiet = (169, 184, 200)
    assert count(picture(replace(VIEW, legend=legend)), quiet, box) == pytest.approx(
        count(picture(VIEW), quiet, box), rel=0.05
    )
