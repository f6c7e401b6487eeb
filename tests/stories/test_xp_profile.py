"""/profile shows the level, a picture of all bots' progress, and how the leaderboard shows the user."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from shared.core import texts
from shared.features import xp
from tests.stories.test_admin import ask, labels
from tests.stories.test_xp_badges import earn
from tests.stories.test_xp_board import award, others, started, tap
from tools.emulator.stack import Stack

Sql = Callable[..., list[dict[str, Any]]]
WORDS = {
    "en": {
        "level": "Level: 1 · 0\u00a0XP",
        "later": "Level: 5 · 1,240\u00a0XP",
        "highest": "Level: 20 · 1,000,000\u00a0XP",
        "buttons": [["🖼 My progress", "🏆 Leaderboard"], ["🏅 Badges", "🔥 Streak"]],
        "caption": "👤 Anna\n\nLevel 5 · 1,240\u00a0XP\nStreak: 1 day\nBadges: 1 of ",
    },
    "ru": {
        "level": "Уровень: 1 · 0\u00a0XP",
        "later": "Уровень: 5 · 1\u00a0240\u00a0XP",
        "highest": "Уровень: 20 · 1\u00a0000\u00a0000\u00a0XP",
        "buttons": [["🖼 Мой прогресс", "🏆 Лидеры"], ["🏅 Значки", "🔥 Серия"]],
        "caption": "👤 Anna\n\nУровень 5 · 1\u00a0240\u00a0XP\nСерия: 1 день\nЗначки: 1 из ",
    },
}


@pytest.mark.parametrize("language", WORDS)
def test_the_profile_shows_the_level_in_every_bot(stack: Stack, sql: Sql, language: str) -> None:
    words: dict[str, Any] = WORDS[language]
    user = stack.telegram.user("Anna", language)
    anna, example = user.chat("assistant"), user.chat("example")
    ask(anna, "/start")
    first = ask(anna, "/profile")
    assert first.text.endswith("\n\n" + words["level"])
    assert labels(first)[1:3] == words["buttons"]
    award(sql, anna.id, 1240)
    assert ask(example, "/profile").text.endswith("\n\n" + words["later"])
    for _ in range(4):
        award(sql, anna.id, 249_690)
    assert ask(example, "/profile").text.endswith("\n\n" + words["highest"])


@pytest.mark.parametrize("language", WORDS)
def test_the_progress_in_all_bots_is_a_picture(stack: Stack, sql: Sql, language: str) -> None:
    words: dict[str, Any] = WORDS[language]
    anna = started(stack, language)
    award(sql, anna.id, 1000)
    award(sql, anna.id, 240, "example")
    earn(sql, anna.id, "level_5")
    sql("select record_activity(id, 'assistant') from users where telegram_id = %s", anna.id)
    ask(anna, "/profile").tap(words["buttons"][0][0]).wait(timeout=20)
    assert anna.answer().data["caption"].startswith(words["caption"])


def test_a_long_name_is_offered_for_the_board_without_a_part_of_a_word(stack: Stack) -> None:
    anna = started(stack, name="Александра-Константинопольская Верхнеудинская")
    page = ask(anna, "/top")
    tap(page, "🔒 My name")
    own = next(one for row in labels(page) for one in row if one.startswith("Show as"))
    assert tap(page, own).endswith("as Александра-Константинопольская.")


def test_a_name_on_the_board_is_opt_in_and_can_be_hidden(stack: Stack, sql: Sql) -> None:
    anna, ben = started(stack), started(stack, name="Ben")
    award(sql, anna.id, 500)
    number = ask(ben, "/top").text.split("1. ")[1].partition(":")[0]
    assert number.startswith("User ") and "Anna" not in number
    page = ask(anna, "/top")
    assert number in tap(page, "🔒 My name")
    assert "as Anna." in tap(page, "Show as Anna")
    assert "1. Anna: 500" in ask(ben, "/top").text
    assert number in tap(page, f"Show as {number}")
    assert "You’re hidden" in tap(page, "🙈 Hide me")
    assert "No one has earned XP here yet." in ask(ben, "/top").text
    own = ask(anna, "/top").text
    assert "Your place: 1 of 1" in own and "You’re hidden: others don’t see you here." in own
    assert number in tap(page, "👁 Show me")
    assert f"1. {number}: 500" in ask(ben, "/top").text


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("  Anna   the Great ", "Anna the Great"),
        ("\u0645\u062d\u0645\u062f", "\u2068\u0645\u062d\u0645\u062f\u2069"),
        ("🦊 Fox", "🦊 Fox"),
        ("t.me/spam", None),
        ("@anna", None),
        ("x" * 33, None),
        ("123", None),
        ("User 48211", None),
        (" участник  7", None),
        ("you", None),
        ("Вы", None),
        ("User of Linux", "User of Linux"),
        ("\u202e\u200b", None),
    ],
)
def test_a_name_is_sent(stack: Stack, sql: Sql, sent: str, shown: str | None) -> None:
    anna, ben = started(stack), started(stack, name="Ben")
    award(sql, anna.id, 500)
    page = ask(anna, "/top")
    tap(page, "🔒 My name")
    tap(page, "✏️ Enter a name")
    answer = ask(anna, sent).text
    if shown is None:
        assert "doesn’t fit" in answer
        assert "1. User " in ask(ben, "/top").text
    else:
        assert f"as {shown}." in answer
        assert f"1. {shown}: 500" in ask(ben, "/top").text


@pytest.mark.parametrize("name", ["Anna t.me/spam", "@anna", "User 48211"])
def test_a_name_that_the_board_refuses_is_not_offered(stack: Stack, sql: Sql, name: str) -> None:
    anna = started(stack, name=name)
    award(sql, anna.id, 500)
    page = ask(anna, "/top")
    old = page.stored
    tap(page, "🔒 My name")
    assert not [label for row in labels(page) for label in row if label.startswith("Show as")]
    toast = anna.tap(old, "board:own").answer()
    assert toast["alert"] and toast["text"].startswith("This name doesn’t fit or is reserved.")
    assert "as User " in page.text, "nothing was saved"


def test_a_name_without_letters_of_the_typeface_is_drawn_as_a_number(stack: Stack, sql: Sql) -> None:
    anna = started(stack, name="\u0645\u062d\u0645\u062f")
    award(sql, anna.id, 500)
    others(stack, sql, 10, 20)
    sql("insert into board_profiles select id, '李雷', false from users where telegram_id = %s", anna.id)
    for page, button in (("/profile", "🖼 My progress"), ("/top", "🖼 Picture")):
        ask(anna, page).tap(button).wait(timeout=20)
        assert anna.answer().data.get("photo")


def test_a_level_is_announced_by_the_award_that_reached_it_alone(stack: Stack, sql: Sql) -> None:
    anna = started(stack)
    context: Any = SimpleNamespace(
        language="en", rich=partial(texts.rich, "en"), text=partial(texts.text, "en")
    )
    assert xp.level_up_text(context, award(sql, anna.id, 50)) is None  # type: ignore[arg-type]
    reached = award(sql, anna.id, 1950)
    text = xp.level_up_text(context, reached)  # type: ignore[arg-type]
    assert text is not None and text.text.startswith("🎉 You’ve reached level 6!\n\nYou have 2,000")
    again = {**reached, "leveled_up": False}
    assert xp.level_up_text(context, again) is None  # type: ignore[arg-type]
    assert xp.new_badges_text(context, []) is None
    new = xp.new_badges_text(context, ["level_5", "of_an_owner"])
    assert new is not None and new.text == "🏅 New badge: Level 5\n🏅 New badge: Of an owner"
