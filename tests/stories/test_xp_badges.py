"""/badges: what the user has earned in any bot, and what is still to earn, in both languages."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from shared.core import texts
from shared.features.xp import badges
from shared.features.xp.badges import KNOWN, offered
from tests.stories.test_admin import ask
from tests.stories.test_xp_board import started
from tools.emulator.stack import Stack

Sql = Callable[..., list[dict[str, Any]]]


def earn(sql: Sql, telegram_id: int, badge: str, bot: str = "", metadata: str = "{}") -> None:
    sql("select award_badge(%s, %s, %s, %s::jsonb)", telegram_id, bot, badge, metadata)


@pytest.mark.parametrize(
    ("language", "none", "left", "head", "line", "other"),
    [
        ("en", "🏅 No badges yet\n\nStill to earn\nFirst training: finish a training\n",
         "Level 5: reach level 5",
         "🏅 Your badges: 2 of ", "Level 5 · {date} · Assistant", "Sold out · {date} · Example"),
        ("ru", "🏅 Значков пока нет\n\nМожно получить\nПервая тренировка: завершить тренировку\n",
         "Уровень 5: дойти до уровня 5", "🏅 Ваши значки: 2 из ", "Уровень 5 · {date} · Ассистент",
         "Sold out · {date} · Example"),
    ],
)  # fmt: skip
def test_badges_of_all_bots_are_listed_and_so_are_those_still_to_earn(
    stack: Stack, sql: Sql, language: str, none: str, left: str, head: str, line: str, other: str
) -> None:
    anna = started(stack, language)
    before = ask(anna, "/badges").text
    assert before.startswith(none)
    assert left in before
    earn(sql, anna.id, "level_5", "", '{"earned_in": "assistant"}')
    earn(sql, anna.id, "sold_out", "example")
    (row,) = sql("select to_char(private.clock() at time zone 'Europe/Moscow', 'YYYY-MM-DD') as day")
    date = texts.figures.date(language, row["day"] + "T12:00:00+03:00", "Europe/Moscow")
    after = ask(anna, "/badges").text
    earned, _, to_earn = after.partition("\n\n" + before.split("\n\n")[1].splitlines()[0])
    assert earned.splitlines()[0].startswith(head)
    assert set(earned.splitlines()[2:]) == {line.format(date=date), other.format(date=date)}
    assert left not in to_earn


def test_badges_of_bots_that_are_not_deployed_are_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(badges, "settings", lambda: SimpleNamespace(bot_tokens={"assistant": "", "quiz": ""}))
    assert {bot for _, bot in offered()} == {"", "quiz"}


def test_a_badge_that_was_taken_back_is_still_to_earn(stack: Stack, sql: Sql) -> None:
    anna = started(stack)
    earn(sql, anna.id, "streak_7")
    assert "Full week ·" in ask(anna, "/badges").text
    sql("update user_badges set revoked_at = private.clock()")
    assert "Full week: 7 days in a row" in ask(anna, "/badges").text


def test_a_hundred_badges_of_an_owner_fit_into_one_message(stack: Stack, sql: Sql) -> None:
    anna = started(stack)
    for number in range(100):
        earn(sql, anna.id, f"{'w' * 60}_{number}", "example")
    assert "…and 70 more" in ask(anna, "/badges").text


def test_badges_are_shown_in_private_only(stack: Stack) -> None:
    anna = stack.telegram.user("Anna", "en")
    ask(anna.chat("assistant"), "/start")
    group = stack.telegram.group("Team", [anna], ["assistant"])
    for command in ("badges", "streak"):
        answer = ask(group.by(anna), f"/{command}@{stack.telegram.bot('assistant').username}")
        assert answer.buttons[0][0].url.endswith(f"?start=open_{command}")


def test_every_badge_of_the_database_is_known_and_has_its_texts(sql: Sql) -> None:
    rows = sql("select badge, bot from badges")
    assert {(row["badge"], row["bot"]) for row in rows} == {
        (badge, bot) for bot, names in KNOWN.items() for badge in names
    }
    for code in texts.codes():
        for row in rows:
            assert texts.has(code, f"badge_{row['badge']}") and texts.has(code, f"badge_{row['badge']}_about")
        for row in sql("select name_key from levels"):
            assert texts.has(code, f"level_name_{row['name_key']}")
