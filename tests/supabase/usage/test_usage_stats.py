"""get_user_usage_stats: the usage of a user, from counters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.supabase.usage.users import Sql, Update, ai_call, served_user, user_id

Ask = Callable[..., Update]
Limits = Callable[..., None]
NOON = "(timestamptz '2026-11-21 09:00:00+00')"


@pytest.fixture
def stats(sql: Sql, call: Callable[..., Any]) -> Callable[[int], Any]:
    return lambda telegram_id: call("get_user_usage_stats", p_user_id=user_id(sql, telegram_id))


def test_a_new_user_has_all_requests_left(anna: int, stats: Any, clock: Callable[[str], None]) -> None:
    clock(NOON)
    now = stats(anna)
    assert (now["plan"], now["features"], now["history_length"]) == ("FREE", ["modes"], 50)
    assert (now["timezone"], now["bonus_credits"], now["providers"]) == ("Europe/Moscow", 0, [])
    assert now["day"] == {
        "begins": "2026-11-21",
        "used": 0,
        "bonus_used": 0,
        "limit": 25,
        "remaining": 25,
        "resets_at": "2026-11-21T21:00:00+00:00",
    }
    assert now["month"] == {
        "begins": "2026-11-01",
        "used": 0,
        "bonus_used": 0,
        "limit": None,
        "remaining": None,
        "resets_at": "2026-11-30T21:00:00+00:00",
    }
    assert [day["day"] for day in now["days"]][::29] == ["2026-10-23", "2026-11-21"]
    assert len(now["days"]) == 30
    assert now["referrals"] == {"total": 0, "pending": 0, "earned": 0}


def test_usage_of_today_and_this_month(
    sql: Sql, ask: Ask, limits: Limits, stats: Any, clock: Callable[[str], None]
) -> None:
    anna = served_user(sql, bonus=4)
    limits(daily_requests=2, monthly_requests=3)
    clock("(timestamptz '2026-10-22 09:00:00+00')")  # 30 days ago, and another month
    ask(anna).finish("settled", ai_call(ms=9_000))
    clock("(timestamptz '2026-11-20 09:00:00+00')")
    ask(anna).finish("settled", ai_call(tokens_in=5, cost="0.25"))
    clock(NOON)
    ask(anna, "second").finish(
        "settled", ai_call(status="provider_timeout", ms=100, tokens_in=None, tokens_out=None)
    )
    now = stats(anna)
    assert (now["day"]["used"], now["day"]["limit"], now["day"]["remaining"]) == (1, 2, 1 + 4)
    assert (now["month"]["used"], now["month"]["limit"], now["month"]["remaining"]) == (2, 3, 1 + 4)
    for _ in range(3):
        ask(anna).finish(
            "settled", ai_call(provider="openrouter", model="m", cost="0.00000001", is_user_api_key=True)
        )
    now = stats(anna)
    assert (now["day"]["used"], now["day"]["bonus_used"], now["day"]["remaining"]) == (2, 2, 2)
    assert (now["month"]["used"], now["month"]["bonus_used"], now["month"]["remaining"]) == (3, 2, 2)
    assert now["days"][-1] == {
        "day": "2026-11-21",
        "requests": 2,
        "bonus_requests": 2,
        "user_api_key_requests": 3,
    }
    assert sum(day["requests"] for day in now["days"]) == 3, "the 30th day before today is over"
    assert now["providers"] == [
        {
            "provider": "openrouter",
            "calls": 3,
            "errors": 0,
            "user_api_key_calls": 3,
            "tokens_in": 300,
            "tokens_out": 120,
            "cost": 0.00000003,
            "user_api_key_cost": 0.00000003,
            "average_ms": 1200,
        },
        {
            "provider": "openai",
            "calls": 2,
            "errors": 1,
            "user_api_key_calls": 0,
            "tokens_in": 5,
            "tokens_out": 40,
            "cost": 0.25,
            "user_api_key_cost": 0,
            "average_ms": 650,
        },
    ]


def test_the_stricter_limit_applies_today(anna: int, ask: Ask, limits: Limits, stats: Any) -> None:
    limits(daily_requests=None, monthly_requests=2)
    ask(anna).finish("settled")
    assert (stats(anna)["day"]["limit"], stats(anna)["day"]["remaining"]) == (None, 1)
    limits(monthly_requests=0)  # lowered below the requests used
    assert (stats(anna)["day"]["remaining"], stats(anna)["month"]["remaining"]) == (0, 0)
    limits(monthly_requests=None)
    assert (stats(anna)["day"]["remaining"], stats(anna)["month"]["remaining"]) == (None, None)


def test_referrals_in_the_usage(sql: Sql, anna: int, call: Callable[..., Any], stats: Any) -> None:
    code = sql("select referral_code from users where telegram_id = %s", anna)[0]["referral_code"]
    for _ in range(2):
        friend = served_user(sql)
        sql("update users set is_newcomer = true where telegram_id = %s", friend)
        assert (
            call("complete_referral", p_user_id=user_id(sql, friend), p_referral_code=code)["outcome"]
            == "completed"
        )
    waiting = served_user(sql)
    sql(
        "insert into user_referrals (referrer_id, referred_id) values (%s, %s)",
        user_id(sql, anna),
        user_id(sql, waiting),
    )
    assert stats(anna)["referrals"] == {"total": 2, "pending": 1, "earned": 20}
    assert stats(anna)["day"]["remaining"] == 25 + 20


@pytest.mark.parametrize("unknown_id", [-1, None])
def test_an_unknown_user_is_refused(call: Callable[..., Any], unknown_id: Any) -> None:
    with pytest.raises(psycopg.Error) as caught:
        call("get_user_usage_stats", p_user_id=unknown_id)
    assert caught.value.sqlstate == "U0001"


@pytest.mark.parametrize("role", ["bot_backend", "service_role", "anon", "authenticated"])
def test_only_the_bots_and_other_services_may_call(database_url: str, sql: Sql, anna: int, role: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"set role {role}")  # type: ignore[arg-type]
        statement = "select public.get_user_usage_stats(%s) ->> 'plan'"
        if role in ("bot_backend", "service_role"):
            assert connection.execute(statement, (user_id(sql, anna),)).fetchone() == ("FREE",)
        else:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement, (user_id(sql, anna),))
        for internal in ("quota(1, 0)", "maintain_usage_partitions()", "count_new_user(1, now())"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"select private.{internal}")  # type: ignore[arg-type]
        for table in ("api_usage", "monthly_usage", "monthly_api_usage", "daily_totals"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"select from public.{table}")  # type: ignore[arg-type]


def test_the_cost_does_not_grow_with_the_age_of_the_account(sql: Sql, database_url: str) -> None:
    """Postgres counts the rows read through an index; the calls of api_usage are not read."""
    anna = served_user(sql)
    user = user_id(sql, anna)
    sql(
        "insert into daily_usage select %s, bot, current_date - n, 3 from generate_series(0, 999) as n, "
        "unnest(array['assistant', 'second']) as bot",
        user,
    )
    sql(
        "insert into monthly_usage "
        "select %s, (date_trunc('month', current_date) - make_interval(months => n))::date, 9 "
        "from generate_series(0, 40) as n",
        user,
    )
    with psycopg.connect(database_url) as connection:
        read = (
            "select relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) "
            "from pg_stat_xact_user_tables where relname ~ '^(daily|monthly|api)_'"
        )
        connection.execute("set local enable_seqscan = off")
        connection.execute("select get_user_usage_stats(%s)", (user,))
        rows = dict(connection.execute(read).fetchall())
    assert rows["daily_usage"] <= 2 + 60
    assert rows["monthly_usage"] <= 2
    assert not any(count for name, count in rows.items() if name.startswith("api_usage"))
