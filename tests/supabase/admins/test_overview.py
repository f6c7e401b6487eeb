"""The figures of /stats are exact and come from counters, in any order of users and days."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.supabase.admins.users import Call, Sql, new_user
from tests.support import examples, in_parallel, new_telegram_id

Clock = Callable[[str], None]
_days = itertools.count(0, 100)
TODAY = date(2040, 1, 1)
PERIODS = {"day": 1, "week": 7, "month": 30}


@pytest.fixture
def overview(call: Call, boss: str, clock: Clock) -> Callable[[date], Any]:
    """Return a function that reads the overview as an admin on a day."""

    def run(day: date) -> Any:
        clock(at(day))
        return call("admin_overview", p_admin_email=boss)

    return run


def at(day: date, time: str = "12:00") -> str:
    """Return an SQL expression for a time in Moscow."""
    return f"timestamptz '{day} {time} Europe/Moscow'"


def receive_update(sql: Sql, telegram_id: int, day: date, time: str = "12:00") -> None:
    """Upsert a user as receive_update does, on a day."""
    user = json.dumps({"id": telegram_id, "first_name": "A"})
    sql(f"select private.upsert_user(%s, {at(day, time)})", user)


def count(sql: Sql, **figures: Any) -> None:
    """Add to the totals of a day."""
    given = {"provider": "", "model": "", "is_user_api_key": False, "shard": 0, **figures}
    names, marks = ", ".join(given), ", ".join(["%s"] * len(given))
    sql(f"insert into daily_totals ({names}) values ({marks})", *given.values())


def counted_and_stored_users(sql: Sql) -> tuple[int, int]:
    """Return the number of counted users and of stored users."""
    row = sql(
        "select (select coalesce(sum(last_active), 0) from daily_active_users "
        "where day = '-infinity')::int as counted, "
        "(select count(*) from users)::int as there"
    )[0]
    return row["counted"], row["there"]


@settings(
    max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(visits=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 45)), max_size=25))
def test_active_users_are_distinct_over_several_days(
    sql: Sql, overview: Any, visits: list[tuple[int, int]]
) -> None:
    # Examples share the tables: each has days of its own.
    first, users = TODAY + timedelta(days=next(_days)), [new_telegram_id() for _ in range(5)]
    for who, ago in sorted(visits, key=lambda visit: -visit[1]):
        receive_update(sql, users[who], first + timedelta(days=45 - ago))
    seen = overview(first + timedelta(days=45))
    for period, length in PERIODS.items():
        assert seen[period]["active"] == len({who for who, ago in visits if ago < length}), period
    by_day = [len({who for who, ago in visits if ago == 29 - number}) for number in range(30)]
    assert [day["active"] for day in seen["days"]] == by_day


def test_users_are_counted_until_they_are_erased(sql: Sql) -> None:
    assert counted_and_stored_users(sql) == (0, 0)
    user_id = new_user(sql)
    assert counted_and_stored_users(sql) == (1, 1)
    sql("update users set first_name = 'B', last_activity = private.clock() where id = %s", user_id)
    assert counted_and_stored_users(sql) == (1, 1)
    sql("delete from users where id = %s", user_id)
    assert counted_and_stored_users(sql) == (0, 0)


def test_an_erased_user_is_not_counted_as_active(sql: Sql, overview: Any) -> None:
    who = new_telegram_id()
    receive_update(sql, who, TODAY)
    assert overview(TODAY)["month"]["active"] == 1
    sql("delete from users where telegram_id = %s", who)
    assert overview(TODAY)["month"]["active"] == 0
    assert overview(TODAY)["days"][-1]["active"] == 1, "a user was active on that day"


def test_the_day_follows_the_time_zone_of_the_owner(sql: Sql, overview: Any) -> None:
    who = new_telegram_id()
    receive_update(sql, who, TODAY, "23:30")
    receive_update(sql, who, TODAY + timedelta(days=1), "00:30")
    seen = overview(TODAY + timedelta(days=1))
    assert [one["active"] for one in seen["days"][-2:]] == [1, 1]
    assert seen["week"]["active"] == 1


def test_an_older_update_does_not_move_the_last_active_day(sql: Sql, overview: Any) -> None:
    who = new_telegram_id()
    receive_update(sql, who, TODAY)
    receive_update(sql, who, TODAY - timedelta(days=3))
    seen = overview(TODAY)
    assert (seen["day"]["active"], seen["week"]["active"]) == (1, 1)


def test_first_updates_at_once_create_one_user_each(sql: Sql, overview: Any, database_url: str) -> None:
    users = [new_telegram_id() for _ in range(8)]

    def visit(n: int) -> None:
        user = json.dumps({"id": users[n % 8], "first_name": "A"})
        with psycopg.connect(database_url, autocommit=True, prepare_threshold=None) as connection:
            for ago in (9, 2, 0):
                moment = at(TODAY - timedelta(days=ago))
                connection.execute(f"select private.upsert_user(%s, {moment})", [user])

    in_parallel(32, visit)
    seen = overview(TODAY)
    assert [seen[period]["active"] for period in PERIODS] == [8, 8, 8]
    assert counted_and_stored_users(sql) == (8, 8)


def test_twenty_thousand_users_inserted_at_once_are_counted(sql: Sql, overview: Any) -> None:
    sql(
        "insert into users (telegram_id, active_on) select n, %s::date - n %% 10 "
        "from generate_series(1, 20000) as n",
        TODAY,
    )
    assert counted_and_stored_users(sql) == (20_000, 20_000)
    seen = overview(TODAY)
    assert [seen[period]["active"] for period in PERIODS] == [2_000, 14_000, 20_000]
    sql("delete from users")
    assert counted_and_stored_users(sql) == (0, 0)
    assert overview(TODAY)["month"]["active"] == 0


def test_rows_copied_without_triggers_break_nothing(sql: Sql, overview: Any, database_url: str) -> None:
    who = new_telegram_id()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(
            "insert into users (telegram_id, active_on, last_activity) values (%s, %s, %s)",
            [who, TODAY, f"{TODAY} 10:00+03"],
        )
    receive_update(sql, who, TODAY + timedelta(days=1))
    assert overview(TODAY + timedelta(days=1))["day"]["active"] == 1
    sql("delete from users")
    assert overview(TODAY + timedelta(days=1))["day"]["active"] == 0


def test_requests_calls_and_cost_are_summed_by_period_and_model(sql: Sql, overview: Any) -> None:
    for ago, requests in ((0, 5), (6, 7), (7, 11), (29, 13), (30, 1000)):
        day = TODAY - timedelta(days=ago)
        for shard in (0, 3):
            count(
                sql,
                day=day,
                shard=shard,
                provider="openai",
                model="gpt-5-mini",
                requests=requests,
                calls=requests + 1,
                errors=1,
                tokens_in=10,
                tokens_out=20,
                cost="0.105",
            )
        count(sql, day=day, new_users=2)
    count(sql, day=TODAY, provider="openrouter", model="m/big", requests=90, calls=90, cost="1.5")
    count(
        sql,
        day=TODAY,
        provider="openai",
        model="gpt-5-mini",
        is_user_api_key=True,
        requests=1,
        calls=1,
        cost="99",
    )
    seen = overview(TODAY)
    assert [seen[period]["requests"] for period in PERIODS] == [101, 115, 163]
    assert [seen[period]["calls"] for period in PERIODS] == [103, 119, 171]
    assert [seen[period]["errors"] for period in PERIODS] == [2, 4, 8]
    assert [seen[period]["cost"] for period in PERIODS] == ["1.71", "1.92", "2.34"]
    assert [seen[period]["new"] for period in PERIODS] == [2, 4, 8]
    assert (seen["month"]["tokens_in"], seen["month"]["tokens_out"]) == (80, 160)
    assert seen["models"] == [
        {
            "provider": "openrouter",
            "model": "m/big",
            "requests": 90,
            "calls": 90,
            "errors": 0,
            "cost": "1.5",
        },
        {
            "provider": "openai",
            "model": "gpt-5-mini",
            "requests": 73,
            "calls": 81,
            "errors": 8,
            "cost": "0.84",
        },
    ]
    assert len(seen["days"]) == 30
    assert seen["days"][-1] == {
        "day": str(TODAY),
        "active": 0,
        "new": 2,
        "requests": 101,
        "errors": 2,
    }


def test_an_empty_database_gives_zeros(overview: Any) -> None:
    seen = overview(TODAY)
    assert seen["day"] == {
        "active": 0,
        "new": 0,
        "requests": 0,
        "calls": 0,
        "errors": 0,
        "tokens_in": 0,
        "tokens_out": 0,
        "cost": "0",
    }
    assert seen["models"] == []
    assert {day["requests"] for day in seen["days"]} == {0}


def test_five_models_at_most_are_named(sql: Sql, overview: Any) -> None:
    for number in range(8):
        count(sql, day=TODAY, provider="openrouter", model=f"m{number}", requests=number, calls=number)
    assert [model["model"] for model in overview(TODAY)["models"]] == ["m7", "m6", "m5", "m4", "m3"]


def test_only_admins_and_our_roles_may_call(sql: Sql, boss: str, refused: Any, database_url: str) -> None:
    assert refused("admin_overview", p_admin_email="stranger@example.com") == "N0001"
    for role in ("anon", "authenticated"):
        with psycopg.connect(database_url, prepare_threshold=None) as connection:
            connection.execute(f"set local role {role}")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"select public.admin_overview('{boss}')")
    for role in ("bot_backend", "service_role"):
        with psycopg.connect(database_url, prepare_threshold=None) as connection:
            connection.execute(f"set local role {role}")
            connection.execute(f"select public.admin_overview('{boss}')")
            connection.rollback()
