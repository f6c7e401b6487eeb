"""Limits of requests and AI cost at their exact border, and the locks that keep them at once."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg import errors

from tests.supabase.usage.users import Call, Sql, Update, ai_call, served_user, usage_counters, user_id

Question = Callable[..., Update]
Setting = Callable[[str, float], None]
FAILED = ai_call(cost=None, status="server_error")
NOON = "(timestamptz '2026-11-20 12:00:00+00')"
LEASE_ENDS = "(timestamptz '2026-11-20 12:00:40+00')"
TODAY = "(private.clock() at time zone 'Europe/Moscow')::date"


@pytest.fixture
def question(call: Call) -> Question:
    """Ask a question that may cost `cost` dollars."""
    numbers = itertools.count(5_100_000_000)

    def receive(telegram_id: int, cost: str = "0", bot: str = "assistant") -> Update:
        return Update(call, bot, next(numbers), telegram_id, cost=cost)

    return receive


def test_questions_in_progress_count_when_the_cost_would_reach_the_limit_exactly(
    sql: Sql, anna: int, question: Question, setting: Setting
) -> None:
    setting("daily_cost_bot", 2)
    question(anna).finish("settled", ai_call(cost="1.6"))
    assert question(served_user(sql), "0.1").reservation == "reserved"
    assert question(served_user(sql), "0.4").reservation == "bot_cost"
    assert question(served_user(sql), "0.3").reservation == "reserved"


def test_questions_in_progress_are_not_read_200_questions_before_the_limit(
    sql: Sql, anna: int, question: Question, setting: Setting
) -> None:
    setting("daily_cost_bot", 2)
    assert question(anna, "2").reservation == "reserved"
    assert question(served_user(sql), "0.01").reservation == "reserved", "200 of these reach the limit"
    assert question(served_user(sql), "0.0101").reservation == "bot_cost"


def test_a_question_without_cost_passes_a_limit_that_is_reached(
    sql: Sql, anna: int, question: Question, setting: Setting
) -> None:
    setting("daily_cost_bot", 2)
    question(anna, "2").finish("settled", ai_call(cost="2"))
    assert question(served_user(sql), "0").reservation == "reserved"
    assert question(served_user(sql), "0.0001").reservation == "bot_cost"


def test_a_user_whose_plan_was_deleted_may_ask_nothing(sql: Sql, anna: int, question: Question) -> None:
    sql("delete from subscription_limits where plan = 'FREE'")
    asked = question(anna)
    assert (asked.reservation, asked.received["usage"]["daily_requests"]) == ("refused", 0)


def test_a_question_is_in_progress_until_its_lease_ends(
    sql: Sql, anna: int, question: Question, setting: Setting, clock: Callable[[str], None]
) -> None:
    setting("questions_in_progress", 1)
    setting("daily_cost_bot", 1)
    clock(NOON)
    assert question(anna, "0.9").reservation == "reserved"
    assert question(anna, "0.05").reservation == "in_progress"
    assert question(served_user(sql), "0.2").reservation == "bot_cost"
    clock(LEASE_ENDS)
    assert question(served_user(sql), "0.2").reservation == "reserved"
    assert question(anna, "0.05").reservation == "reserved"


def test_a_call_without_a_word_about_its_key_is_on_the_owners_key(
    sql: Sql, anna: int, question: Question
) -> None:
    call = ai_call(cost="0.01")
    del call["is_user_api_key"]
    question(anna).finish("released", call)
    assert usage_counters(sql, anna).day == 1


def test_a_failed_request_beyond_the_releases_of_the_day_is_settled(
    sql: Sql, anna: int, question: Question, setting: Setting
) -> None:
    setting("daily_releases", 1)
    for bot, ends in (("assistant", "released"), ("second", "settled")):
        question(anna, bot=bot).finish("released", FAILED)
        assert sql("select reservation from telegram_updates where bot = %s", bot) == [{"reservation": ends}]
    assert usage_counters(sql, anna).day == 1


def release(sql: Sql, telegram_id: int, reserved_from: str = "plan", limited: bool = False) -> Any:
    """Release a request of today in the assistant."""
    statement = f"select private.release_usage(%s, 'assistant', {TODAY}, %s, %s) as released"
    return sql(statement, user_id(sql, telegram_id), reserved_from, limited)[0]["released"]


def test_a_release_without_counters_is_allowed_and_changes_nothing(
    sql: Sql, anna: int, setting: Setting
) -> None:
    setting("daily_releases", 1)
    assert release(sql, anna, limited=True)
    assert sql("select from daily_usage") == []


@pytest.mark.parametrize(
    "statement",
    [
        f"select private.release_usage(%s, 'assistant', {TODAY}, 'plan', false)",
        "select private.reserve_usage(%s, 'assistant', 1, 0, true, 'Europe/Moscow')",
    ],
    ids=["release", "reservation"],
)
def test_the_users_row_serializes_reservations_and_releases(
    sql: Sql, anna: int, database_url: str, statement: str
) -> None:
    with psycopg.connect(database_url) as first, psycopg.connect(database_url) as second:
        user = user_id(sql, anna)
        first.execute("select from users where id = %s for no key update", [user])
        second.execute("set lock_timeout = '200ms'")
        with pytest.raises(errors.LockNotAvailable):
            second.execute(statement.encode(), [user])
