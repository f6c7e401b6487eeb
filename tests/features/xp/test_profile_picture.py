"""The picture of a user's progress: the ring, the badges' chips and the bars show what they are given."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image

from shared.features.xp.profile_picture import WIDTH, Bar, Bars, ProfilePicture, Streak, draw
from tests.features.account.test_usage_picture import count

BLUE, GOLD, GREEN, INK = (79, 143, 255), (247, 178, 59), (47, 211, 162), (243, 246, 250)
VIEW = ProfilePicture(
    name="Anna",
    rank="Novice",
    level="3",
    level_word="level",
    share=0.5,
    xp="450 XP",
    next_level="150 XP to level 4",
    streak=Streak("Streak", "5", "days", "Today is counted", "Longest: 9 days", "1 freeze"),
    badges_title="Badges",
    badges_about="1 of 14",
    badges=["First session"],
    no_badges="Your badges will appear here",
    bars=[],
)


def picture(view: ProfilePicture) -> Image.Image:
    file = draw(view)
    assert (file.name, file.tell()) == ("profile.png", 0)
    assert len(file.getvalue()) < 150_000
    return Image.open(file).convert("RGB")


def test_the_ring_shows_the_way_to_the_next_level() -> None:
    ring = (90, 180, 380, 490)
    counts = [count(picture(replace(VIEW, share=share)), BLUE, ring) for share in (0, 0.25, 0.5, 1)]
    assert counts[0] == 0
    assert counts[2] / counts[3] == pytest.approx(0.5, abs=0.05)
    assert counts[1] / counts[3] == pytest.approx(0.25, abs=0.06)


def test_a_badge_is_a_chip_and_those_without_room_are_counted() -> None:
    one, none = picture(VIEW), picture(replace(VIEW, badges=[]))
    two = picture(replace(VIEW, badges=["First session", "Full week"]))
    assert count(none, GOLD) == 0
    assert count(two, GOLD) == pytest.approx(2 * count(one, GOLD), rel=0.1)
    many = picture(replace(VIEW, badges=[f"Badge with a long name {number}" for number in range(30)]))
    assert many.height == two.height + 80, "two rows at most"
    ground = many.getpixel((5, 5))
    assert {many.getpixel((x, y)) for x in (30, WIDTH - 30) for y in range(500, many.height)} == {ground}


def test_bars_are_as_long_as_their_share() -> None:
    rows = [Bar("Sales trainer", "800 XP", 1.0), Bar("Quiz", "400 XP", 0.5, "1 Dec")]
    image = picture(replace(VIEW, bars=[Bars("XP by bot", rows), Bars("Recent sessions", rows)]))
    plain = picture(VIEW)
    assert image.height == plain.height + 2 * (32 + 104 + 2 * 64 + 24)
    drawn = count(image, BLUE) - count(plain, BLUE)
    assert drawn == pytest.approx(2 * (360 + 180) * 20, rel=0.05)


def test_a_day_that_counts_is_marked() -> None:
    area = (700, 160, WIDTH - 56, 260)
    assert count(picture(VIEW), GREEN, area) > 300
    assert count(picture(replace(VIEW, streak=replace(VIEW.streak, today=""))), GREEN, area) == 0


def test_long_words_and_millions_stay_within_their_cards() -> None:
    long = "Безлимитный корпоративный эксперт по переговорам"
    view = replace(
        VIEW,
        name=long,
        rank=long,
        level="1000",
        xp="1 234 567 890 XP",
        next_level="999 999 999\u00a0XP до\u00a0уровня\u00a01001",
        streak=Streak(
            "Серия", "12 345", "дней", "Сегодня засчитано", "Самая длинная: 12 345 дней", "12 345 заморозок"
        ),
        badges=[long * 2],
        bars=[Bars(long, [Bar(long * 2, "1 234 567 890 XP", 7.5, "28 ноя")])],
    )
    image = picture(view)
    ground = image.getpixel((5, 5))
    assert {image.getpixel((x, y)) for x in (30, 712, WIDTH - 30) for y in range(160, 505)} == {ground}
    assert {image.getpixel((x, y)) for x in (30, WIDTH - 30) for y in range(505, image.height)} == {ground}


def test_words_about_the_streak_take_two_lines_where_one_is_too_narrow() -> None:
    quiet, second = (169, 184, 200), (740, 420, WIDTH - 100, 470)
    short = replace(VIEW, streak=replace(VIEW.streak, longest="Longest: 9 days", note=""))
    long = replace(VIEW, streak=replace(VIEW.streak, longest="Начнётся со следующей тренировки", note=""))
    assert count(picture(short), quiet, second) == 0
    assert count(picture(long), quiet, second) > 100
