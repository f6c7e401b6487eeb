"""Requests are taken from the plan's day and month, then from bonus credits, and released exactly."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.supabase.usage.users import Call, Sql, Update, UsageCounters, served_user, usage_counters, user_id
from tests.support import examples, in_parallel
from tools.database import admins

Ask = Callable[..., Update]
Limits = Callable[..., None]
SLOW = settings(
    max_examples=examples(25),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    database=None,
)
NOVEMBER = "(timestamptz '2026-11-30 20:59:58+00')"  # two seconds before December in Moscow
DECEMBER = "(timestamptz '2026-11-30 21:00:01+00')"


def test_the_month_counts_what_the_days_count(sql: Sql, anna: int, ask: Ask) -> None:
    for bot in ("assistant", "second"):
        ask(anna, bot).finish("settled")
    ask(anna).finish("released")
    ask(anna).fail()
    assert usage_counters(sql, anna) == UsageCounters(day=2, day_bonus=0, month=2, month_bonus=0, credits=0)


def test_plan_then_bonus_then_refused(sql: Sql, anna: int, ask: Ask, limits: Limits) -> None:
    limits(daily_requests=25, monthly_requests=2)
    sql("update users set bonus_credits = 1 where telegram_id = %s", anna)
    updates = [ask(anna) for _ in range(4)]
    assert [update.reservation for update in updates] == ["reserved"] * 3 + ["refused"]
    counts = [update.received["usage"]["requests"] for update in updates]
    assert counts == [1, 2, 2, 2]
    usage = updates[2].received["usage"]
    assert (usage["month_requests"], usage["monthly_requests"], usage["bonus_credits"]) == (2, 2, 0)
    assert usage_counters(sql, anna) == UsageCounters(2, 1, 2, 1, 0)
    updates[2].finish("released")
    assert usage_counters(sql, anna) == UsageCounters(2, 0, 2, 0, 1)
    updates[0].finish("released")
    assert usage_counters(sql, anna) == UsageCounters(1, 0, 1, 0, 1)
    ask(anna)
    assert usage_counters(sql, anna) == UsageCounters(2, 0, 2, 0, 1), (
        "the plan's place is free again and comes first"
    )


@pytest.mark.parametrize("allowed", [25, 0], ids=["reserved", "refused"])
def test_a_reservation_returns_the_whole_quota(
    sql: Sql, anna: int, ask: Ask, limits: Limits, allowed: int
) -> None:
    """The reservation returns the same quota as a later read."""
    limits(daily_requests=allowed)
    usage = ask(anna).received["usage"]
    (row,) = sql(
        "select to_jsonb(q) as quota from users u, private.quota(u.id, u.vip_level) q "
        "where u.telegram_id = %s",
        anna,
    )
    shared = row["quota"].keys() & usage.keys()
    assert len(shared) == 9
    assert {name: usage[name] for name in shared} == {name: row["quota"][name] for name in shared}


def test_the_daily_limit_applies_while_the_month_has_requests_left(
    sql: Sql, anna: int, ask: Ask, limits: Limits
) -> None:
    limits(daily_requests=1, monthly_requests=100)
    assert [ask(anna).reservation for _ in range(2)] == ["reserved", "refused"]


def test_fifty_questions_for_the_last_request_of_the_month_reserve_one(
    sql: Sql, anna: int, ask: Ask, limits: Limits
) -> None:
    limits(monthly_requests=8)
    for _ in range(7):
        ask(anna).finish("settled")
    reservations = in_parallel(25, lambda _n: ask(anna).reservation)
    reservations += in_parallel(25, lambda n: ask(anna, ("assistant", "second")[n % 2]).reservation)
    assert sorted(map(str, reservations)) == ["refused"] * 49 + ["reserved"]
    assert usage_counters(sql, anna) == UsageCounters(8, 0, 8, 0, 0)


def test_a_month_starts_at_midnight_of_the_quota_time_zone(
    sql: Sql, anna: int, ask: Ask, limits: Limits, clock: Callable[[str], None]
) -> None:
    limits(monthly_requests=1)
    clock(NOVEMBER)
    late = ask(anna)
    assert late.received["usage"]["month_resets_at"].startswith("2026-11-30T21:00:00")
    assert ask(anna).reservation == "refused"
    clock(DECEMBER)
    early = ask(anna)
    assert (early.reservation, early.received["usage"]["month_requests"]) == ("reserved", 1)
    late.finish("released")  # belongs to the month in which it was reserved
    rows = sql(
        "select month::text, requests from monthly_usage where user_id = %s order by month",
        user_id(sql, anna),
    )
    assert [tuple(row.values()) for row in rows] == [("2026-11-01", 0), ("2026-12-01", 1)]


@pytest.mark.parametrize(
    ("zone", "month"), [("Pacific/Auckland", "2026-12-01"), ("America/New_York", "2026-11-01")]
)
def test_the_month_depends_on_the_quota_time_zone(
    sql: Sql, anna: int, ask: Ask, clock: Callable[[str], None], zone: str, month: str
) -> None:
    clock("(timestamptz '2026-11-30 21:30:00+00')")
    sql("update private.settings set value = to_jsonb(%s::text) where key = 'quota_timezone'", zone)
    ask(anna)
    months = sql("select month::text from monthly_usage where user_id = %s", user_id(sql, anna))
    assert months == [{"month": month}]


def test_the_sweep_releases_the_request_of_the_month_too(
    sql: Sql, anna: int, ask: Ask, call: Callable[..., Any], clock: Callable[[str], None]
) -> None:
    sql("update users set bonus_credits = 1 where telegram_id = %s", anna)
    ask(anna)
    assert usage_counters(sql, anna).month == 1
    clock("clock_timestamp() + interval '20 minutes'")
    for _ in range(2):
        call("sweep")
        assert usage_counters(sql, anna) == UsageCounters(0, 0, 0, 0, 1)


def test_a_question_open_during_a_reset_is_not_released_twice(
    sql: Sql, anna: int, ask: Ask, call: Callable[..., Any], database_url: str
) -> None:
    admins.write(database_url, {"ADMIN_EMAILS": "boss@example.com", "ADMIN_TELEGRAM_IDS": "777000111"})
    sql(
        "insert into monthly_usage "
        "select %s, date_trunc('month', private.clock() at time zone 'Europe/Moscow'), 10",
        user_id(sql, anna),
    )
    open_ = ask(anna)
    ask(anna, "second").finish("settled")
    reset = call("admin_reset_user_usage", p_user_id=user_id(sql, anna), p_admin_email="boss@example.com")
    assert (reset["before"], usage_counters(sql, anna).month) == (12, 0)
    open_.finish("released")  # the admin has reset it already
    assert usage_counters(sql, anna) == UsageCounters(0, 0, 0, 0, 0)


def test_resets_and_failures_at_once_keep_day_and_month_equal(
    sql: Sql, anna: int, ask: Ask, call: Callable[..., Any], database_url: str
) -> None:
    admins.write(database_url, {"ADMIN_EMAILS": "boss@example.com", "ADMIN_TELEGRAM_IDS": "777000111"})
    updates = [ask(anna) for _ in range(16)]
    user = user_id(sql, anna)

    def work(n: int) -> None:
        if n % 4 == 3:
            call("admin_reset_user_usage", p_user_id=user, p_admin_email="boss@example.com")
        else:
            updates[n].finish("released" if n % 2 else "settled")

    in_parallel(16, work)
    now = usage_counters(sql, anna)
    assert now.day == now.month


@pytest.mark.parametrize(("allowed", "shown"), [(3, 3), (None, 10), (0, 0), (500, 10)])
def test_the_plan_limits_the_conversation_sent_to_the_ai(
    sql: Sql, anna: int, ask: Ask, limits: Limits, allowed: int | None, shown: int
) -> None:
    sql(
        "insert into messages (user_id, bot, chat_id, role, content) "
        "select %s, 'assistant', %s, 'user', 'word ' || n from generate_series(1, 10) as n",
        user_id(sql, anna),
        anna,
    )
    limits(history_length=allowed)
    history = ask(anna).received["history"]
    assert [message["content"] for message in history] == [f"word {n}" for n in range(11 - shown, 11)]


STEPS = st.lists(
    st.tuples(st.sampled_from(["ask", "settled", "released", "unsettled", "failed"]), st.integers(0, 5)),
    max_size=14,
)


@SLOW
@given(steps=STEPS, bonus=st.integers(0, 3), daily=st.integers(0, 4), monthly=st.integers(0, 4))
def test_the_counters_match_any_sequence_of_reservations(
    sql: Sql, ask: Ask, limits: Limits, steps: list[tuple[str, int]], bonus: int, daily: int, monthly: int
) -> None:
    limits(daily_requests=daily, monthly_requests=monthly)
    anna = served_user(sql, bonus)
    waiting: list[tuple[Update, str]] = []
    used = {"plan": 0, "bonus": 0}
    for step, which in steps:
        if step == "ask":
            update = ask(anna)
            expected = (
                "plan" if used["plan"] < min(daily, monthly) else "bonus" if used["bonus"] < bonus else ""
            )
            assert update.reservation == ("reserved" if expected else "refused")
            if expected:
                used[expected] += 1
                waiting.append((update, expected))
        elif waiting:
            update, source = waiting.pop(which % len(waiting))
            if step == "failed":
                update.fail()
            else:
                update.finish(None if step == "unsettled" else step)
            used[source] -= step != "settled"
        plan, paid = used["plan"], used["bonus"]
        assert usage_counters(sql, anna) == UsageCounters(plan, paid, plan, paid, bonus - paid)


@pytest.mark.parametrize(
    ("allowed", "bonus", "stored"),
    [
        (25, 1, ("reserved", "plan", True, Decimal("0.25"))),
        (0, 1, ("reserved", "bonus", True, Decimal("0.25"))),
        (0, 0, ("refused", None, False, None)),
    ],
    ids=["plan", "bonus", "refused"],
)
def test_the_row_of_the_update_has_the_reservation_that_was_decided(
    sql: Sql, call: Call, anna: int, limits: Limits, allowed: int, bonus: int, stored: tuple[Any, ...]
) -> None:
    """The row is stored with a reservation of the plan before the limits are checked."""
    limits(daily_requests=allowed)
    sql("update users set bonus_credits = %s where telegram_id = %s", bonus, anna)
    Update(call, "assistant", 77, anna, cost="0.25")
    (row,) = sql(
        "select reservation, reserved_from, reserved_on is not null, reserved_cost "
        "from telegram_updates where update_id = 77"
    )
    assert tuple(row.values()) == stored
