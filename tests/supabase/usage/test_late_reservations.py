"""A handler that finds out late that it needs the AI reserves one request for its update."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.supabase.usage.users import Call, Sql, Update, UsageCounters, ai_call, usage_counters
from tests.support import in_parallel

Limits = Callable[..., None]
Setting = Callable[[str, float], None]
_numbers = itertools.count(4_100_000_000)


@pytest.fixture
def receive(call: Call) -> Callable[..., Update]:
    """Receive an update of a user without a reservation."""

    def receive(telegram_id: int, bot: str = "assistant", number: int | None = None) -> Update:
        return Update(call, bot, number or next(_numbers), telegram_id, reserves=False)

    return receive


def rows(sql: Sql) -> list[tuple[Any, ...]]:
    """Return what the updates hold of their reservations."""
    found = sql(
        "select bot, reservation, reserved_from, reserved_cost, "
        "reserved_on = (private.clock() at time zone 'Europe/Moscow')::date as today "
        "from telegram_updates order by update_id, bot"
    )
    return [tuple(row.values()) for row in found]


def test_an_update_reserves_one_request_however_often_it_asks(
    sql: Sql, anna: int, receive: Callable[..., Update], setting: Setting
) -> None:
    setting("daily_releases", 3)
    update, twin = receive(anna), receive(anna)
    same_number = receive(anna, "second", update.number)
    assert update.reserve("0.25") == {"outcome": "reserved", "releases_left": 3}
    assert (
        in_parallel(4, lambda _n: update.reserve("0.75")) == [{"outcome": "reserved", "releases_left": 0}] * 4
    )
    assert usage_counters(sql, anna) == UsageCounters(1, 0, 1, 0, 0)
    nothing = (None, None, None, None)
    assert rows(sql) == [
        ("assistant", "reserved", "plan", Decimal("0.25"), True),
        ("second", *nothing),
        ("assistant", *nothing),
    ]
    assert [other.reserve()["outcome"] for other in (twin, same_number)] == ["reserved"] * 2
    update.finish("released")
    assert usage_counters(sql, anna) == UsageCounters(2, 0, 2, 0, 0)


def test_what_was_refused_may_be_reserved_later(
    sql: Sql, anna: int, receive: Callable[..., Update], limits: Limits
) -> None:
    limits(daily_requests=0)
    update = receive(anna)
    assert update.reserve("0.25") == {"outcome": "refused", "releases_left": None}
    assert rows(sql) == [("assistant", "refused", None, None, None)]
    sql("update users set bonus_credits = 1 where telegram_id = %s", anna)
    assert update.reserve("0.25")["outcome"] == "reserved"
    assert rows(sql) == [("assistant", "reserved", "bonus", Decimal("0.25"), True)]
    assert usage_counters(sql, anna) == UsageCounters(0, 1, 0, 1, 0)


def test_a_user_api_key_takes_nothing(sql: Sql, anna: int, receive: Callable[..., Update]) -> None:
    update = receive(anna)
    assert update.reserve("0.25", p_is_user_api_key=True)["outcome"] == "user_api_key"
    assert rows(sql) == [("assistant", "user_api_key", None, None, None)]
    assert usage_counters(sql, anna).day == 0
    assert update.reserve()["outcome"] == "reserved", "the key was rejected: the plan pays"
    assert usage_counters(sql, anna).day == 1


def test_a_billed_attempt_is_not_reserved_again(sql: Sql, anna: int, receive: Callable[..., Update]) -> None:
    update = receive(anna)
    update.reserve()
    update.fail(ai_call(cost="0.01"))
    update.received = update.receive()
    assert update.reserve() == {"outcome": "settled", "releases_left": 0}
    assert usage_counters(sql, anna).day == 1


def test_only_the_present_attempt_of_an_open_update_reserves(
    sql: Sql, anna: int, receive: Callable[..., Update]
) -> None:
    update, finished = receive(anna), receive(anna)
    finished.finish(None)
    for reserved in (
        update.reserve(p_attempt=update.received["attempt"] + 1),
        update.reserve(p_bot="second"),
        update.reserve(p_update_id=1),
        finished.reserve(),
    ):
        assert reserved == {"outcome": "superseded"}
    assert usage_counters(sql, anna).day == 0
