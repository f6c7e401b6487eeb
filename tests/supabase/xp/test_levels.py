"""A level is announced once, by the award that reached it, however it was awarded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.supabase.xp.users import create_user, user_id_of

Sql = Callable[..., list[dict[str, Any]]]
Call = Callable[..., Any]


@pytest.fixture
def anna(sql: Sql, call: Call) -> int:
    """A user one XP below level 2, with a private chat with the assistant; return the Telegram id."""
    telegram_id = create_user(sql)
    user_id = user_id_of(sql, telegram_id)
    sql("insert into bot_sessions (user_id, bot, chat_id) values (%s, 'assistant', %s)", user_id, telegram_id)
    (level,) = sql("select min(min_xp) as xp from levels where level = 2")
    call(
        "award_xp", p_telegram_id=telegram_id, p_bot="spin", p_rule="service", p_reference="x:1",
        p_points=level["xp"] - 1,
    )  # fmt: skip
    return telegram_id


def announced(sql: Sql) -> list[tuple[str, int, int]]:
    """Return (bot, chat, level) of the enqueued messages about levels."""
    rows = sql(
        "select bot, chat_id, (parameters -> 'values' ->> 'level')::integer as level from telegram_outbox"
        " where parameters ->> 'key' = 'level_up'"
    )
    return [(row["bot"], row["chat_id"], row["level"]) for row in rows]


def test_a_referral_announces_the_level_of_the_referrer(anna: int, sql: Sql, call: Call) -> None:
    code = sql("select referral_code from users where telegram_id = %s", anna)[0]["referral_code"]
    friend = user_id_of(sql, create_user(sql))
    for expected in ("completed", "already_completed"):
        done = call("complete_referral", p_user_id=friend, p_referral_code=code)
        assert done["outcome"] == expected
        assert announced(sql) == [("assistant", anna, 2)]


def test_the_first_request_announces_the_level(anna: int, sql: Sql) -> None:
    for _ in range(2):
        sql("select private.complete_first_request(%s, 'assistant')", user_id_of(sql, anna))
        assert announced(sql) == [("assistant", anna, 2)]


def test_a_correction_by_an_admin_announces_the_level(anna: int, sql: Sql, call: Call, boss: str) -> None:
    wanted = {"p_user_id": user_id_of(sql, anna), "p_admin_email": boss, "p_reference": "a:1"}
    for _ in range(2):
        call("admin_adjust_xp", **wanted, p_points=5)
        assert announced(sql) == [("assistant", anna, 2)]


def test_a_user_whom_no_bot_may_write_to_gets_no_message(anna: int, sql: Sql) -> None:
    sql("update bot_sessions set is_blocked = true where chat_id = %s", anna)
    sql("select private.complete_first_request(%s, 'assistant')", user_id_of(sql, anna))
    assert announced(sql) == []
    assert sql("select level from users where telegram_id = %s", anna) == [{"level": 2}]


@pytest.mark.parametrize("award", [{}, {"leveled_up": False, "new_level": 2, "total_xp": 1}])
def test_an_award_without_a_new_level_announces_nothing(anna: int, sql: Sql, award: dict[str, Any]) -> None:
    sql("select private.announce_level(%s, 'spin', %s)", user_id_of(sql, anna), Jsonb(award))
    assert announced(sql) == []


@pytest.mark.parametrize(("is_banned", "count"), [(False, 2), (True, 0)])
def test_each_new_badge_is_announced_to_its_user_alone(
    anna: int, sql: Sql, is_banned: bool, count: int
) -> None:
    ben = create_user(sql)
    sql(
        "insert into bot_sessions (user_id, bot, chat_id) values (%s, 'assistant', %s)",
        user_id_of(sql, ben),
        ben,
    )
    if is_banned:
        sql("update users set banned_at = now() where telegram_id = %s", anna)
    badges = Jsonb(["first_quiz", "ear_of_gold"])
    sql("select private.announce_badges(%s, 'spin', %s)", user_id_of(sql, anna), badges)
    rows = sql("select bot, chat_id from telegram_outbox where parameters ->> 'key' = 'badge_new'")
    assert [(row["bot"], row["chat_id"]) for row in rows] == [("assistant", anna)] * count
