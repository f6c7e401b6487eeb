"""Admin functions: only for admins, once per reference, in a permanent audit log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.support import in_parallel, new_telegram_id
from tools.database import admins
from tools.database.errors import SettingError

Sql = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def anna(sql: Sql) -> int:
    """Create a user with 7 requests used today in two bots; return users.id."""
    user_id = sql("insert into users (telegram_id) values (%s) returning id", new_telegram_id())[0]["id"]
    sql(
        "insert into daily_usage select %s, bot, (private.clock() at time zone 'Europe/Moscow')::date, n "
        "from (values ('assistant', 4), ('second', 3)) as v (bot, n)",
        user_id,
    )
    return int(user_id)


def credits_of(sql: Sql, user_id: int) -> int:
    """Return a user's bonus credits."""
    return int(sql("select bonus_credits from users where id = %s", user_id)[0]["bonus_credits"])


def audit_entries(sql: Sql, user_id: int) -> list[dict[str, Any]]:
    return sql(
        "select admin_email, action, reference, before, after from audit_log where user_id = %s order by id",
        user_id,
    )


def test_credits_are_given_and_logged(sql: Sql, boss: str, anna: int, call: Callable[..., Any]) -> None:
    done = call("admin_add_bonus_credits", anna, 10, "BOSS@example.com")
    assert (done["applied"], done["before"], done["after"]) == (True, 0, 10)
    assert call("admin_add_bonus_credits", anna, -25, boss)["after"] == 0
    assert credits_of(sql, anna) == 0
    assert [(row["admin_email"], row["before"], row["after"]) for row in audit_entries(sql, anna)] == [
        (boss, {"bonus_credits": 0}, {"bonus_credits": 10, "credits": 10}),
        (boss, {"bonus_credits": 10}, {"bonus_credits": 0, "credits": -25}),
    ]


def test_a_reference_acts_once_even_fifty_times_at_once(
    sql: Sql, boss: str, anna: int, call: Callable[..., Any]
) -> None:
    def give(_n: int) -> bool:
        return bool(call("admin_add_bonus_credits", anna, 5, boss, f"ticket:{anna}")["applied"])

    assert sum(in_parallel(25, give)) + sum(in_parallel(25, give)) == 1
    assert credits_of(sql, anna) == 5
    assert len(audit_entries(sql, anna)) == 1


def test_a_reference_of_another_action_is_refused(
    sql: Sql, boss: str, anna: int, call: Callable[..., Any]
) -> None:
    other = sql("insert into users (telegram_id) values (%s) returning id", new_telegram_id())[0]["id"]
    call("admin_add_bonus_credits", anna, 5, boss, f"ticket:{anna}")
    for function, values in (
        ("admin_add_bonus_credits", (anna, 6, boss, f"ticket:{anna}")),
        ("admin_add_bonus_credits", (other, 5, boss, f"ticket:{anna}")),
        ("admin_reset_user_usage", (anna, boss, f"ticket:{anna}")),
    ):
        with pytest.raises(psycopg.Error) as caught:
            call(function, *values)
        assert caught.value.sqlstate == "N0003"
    assert (credits_of(sql, anna), credits_of(sql, other)) == (5, 0)


def test_two_users_with_one_reference_at_once_change_one(
    sql: Sql, boss: str, call: Callable[..., Any]
) -> None:
    users = [
        sql("insert into users (telegram_id) values (%s) returning id", new_telegram_id())[0]["id"]
        for _ in range(8)
    ]

    def give(n: int) -> str:
        try:
            return str(call("admin_add_bonus_credits", users[n], 5, boss, f"race:{users[0]}")["applied"])
        except psycopg.Error as error:
            return error.sqlstate or ""

    assert sorted(in_parallel(8, give)) == ["N0003"] * 7 + ["True"]


def test_a_reset_restores_the_requests_of_the_month_over_all_bots(
    sql: Sql, boss: str, anna: int, call: Callable[..., Any], clock: Callable[[str], None]
) -> None:
    clock("timestamptz '2030-05-17 12:00+00'")
    sql("delete from daily_usage where user_id = %s", anna)
    sql(
        "insert into daily_usage (user_id, bot, day, requests, bonus_requests, user_api_key_requests) "
        "select %s, v.* from (values ('assistant', date '2030-04-30', 9, 0, 0), "
        "('assistant', '2030-05-01', 5, 2, 1), ('assistant', '2030-05-17', 4, 1, 0), "
        "('second', '2030-05-17', 3, 0, 6)) as v",
        anna,
    )
    sql("insert into monthly_usage values (%s, '2030-04-01', 9, 0), (%s, '2030-05-01', 12, 3)", anna, anna)
    done = call("admin_reset_user_usage", anna, boss, f"reset:{anna}")
    assert (done["applied"], done["before"], done["after"]) == (True, 12, 0)
    rows = sql(
        "select requests, bonus_requests, user_api_key_requests from daily_usage "
        "where user_id = %s order by day, bot",
        anna,
    )
    assert [tuple(row.values()) for row in rows] == [(9, 0, 0), (0, 2, 1), (0, 1, 0), (0, 0, 6)]
    months = sql("select requests, bonus_requests from monthly_usage where user_id = %s order by month", anna)
    assert [tuple(row.values()) for row in months] == [(9, 0), (0, 3)]

    sql("update daily_usage set requests = 2 where user_id = %s and bot = 'second'", anna)
    assert call("admin_reset_user_usage", anna, boss, f"reset:{anna}") == {**done, "applied": False}
    [entry] = audit_entries(sql, anna)
    assert entry["action"] == "reset_user_usage"
    assert entry["before"] == {"requests": 12, "month": "2030-05-01", "day_requests": 7, "day": "2030-05-17"}
    assert entry["after"] == {"requests": 0, "month": "2030-05-01", "day_requests": 0, "day": "2030-05-17"}


@pytest.mark.parametrize("email", ["stranger@example.com", "", None, "%"])
def test_other_addresses_are_not_admins(
    sql: Sql, boss: str, anna: int, call: Callable[..., Any], email: Any
) -> None:
    for function, values in (
        ("admin_add_bonus_credits", (anna, 5, email)),
        ("admin_reset_user_usage", (anna, email)),
    ):
        with pytest.raises(psycopg.Error) as caught:
            call(function, *values)
        assert caught.value.sqlstate == "N0001"
    assert credits_of(sql, anna) == 0
    assert audit_entries(sql, anna) == []


@pytest.mark.parametrize(
    ("user", "number", "code"),
    [(-1, 5, "N0002"), (None, 5, "N0002"), (0, 0, "N0004"), (0, 1_000_001, "N0004")],
)
def test_bad_input_is_refused(boss: str, call: Callable[..., Any], user: Any, number: int, code: str) -> None:
    with pytest.raises(psycopg.Error) as caught:
        call("admin_add_bonus_credits", user, number, boss)
    assert caught.value.sqlstate == code


def test_the_audit_log_cannot_be_rewritten(sql: Sql, boss: str, anna: int, call: Callable[..., Any]) -> None:
    call("admin_add_bonus_credits", anna, 5, boss)
    for statement in (
        "update audit_log set admin_email = 'x' where user_id = %s",
        "delete from audit_log where user_id = %s",
    ):
        with pytest.raises(psycopg.Error) as caught:
            sql(statement, anna)
        assert caught.value.sqlstate == "T0001"


def test_admins_are_exactly_those_of_the_environment(database_url: str, sql: Sql) -> None:
    telegram_id = new_telegram_id()
    sql("insert into users (telegram_id) values (%s)", telegram_id)

    def is_admin() -> bool:
        return bool(sql("select is_admin from users where telegram_id = %s", telegram_id)[0]["is_admin"])

    write = admins.write
    given = {"ADMIN_EMAILS": "A@example.com, b@example.com", "ADMIN_TELEGRAM_IDS": f"{telegram_id},5"}
    assert write(database_url, given) == ["a@example.com", "b@example.com"]
    assert is_admin()
    assert write(database_url, {}) is None
    assert is_admin()
    write(database_url, given | {"ADMIN_TELEGRAM_IDS": f"5,{telegram_id}"})
    assert is_admin()
    write(database_url, {"ADMIN_EMAILS": "a@example.com", "ADMIN_TELEGRAM_IDS": "5"})
    assert not is_admin()
    assert sql("select email, telegram_id from admins") == [{"email": "a@example.com", "telegram_id": 5}]
    new_admin = new_telegram_id()
    write(database_url, {"ADMIN_EMAILS": "a@example.com", "ADMIN_TELEGRAM_IDS": str(new_admin)})
    assert sql("insert into users (telegram_id) values (%s) returning is_admin", new_admin)[0]["is_admin"]


@pytest.mark.parametrize(
    "environment",
    [
        {"ADMIN_EMAILS": "invalid"},
        {"ADMIN_EMAILS": "a@example.com", "ADMIN_TELEGRAM_IDS": "me"},
        {"ADMIN_EMAILS": "a@example.com", "ADMIN_TELEGRAM_IDS": "1,2"},
        {"ADMIN_EMAILS": "a@example.com,A@example.com"},
        {"ADMIN_EMAILS": "a@example.com,b@example.com", "ADMIN_TELEGRAM_IDS": "1,1"},
    ],
)
def test_malformed_admins_are_refused_before_anything_is_written(
    database_url: str, sql: Sql, boss: str, environment: dict[str, str]
) -> None:
    with pytest.raises(SettingError, match="ADMIN_"):
        admins.write(database_url, environment)
    assert sql("select email from admins") == [{"email": boss}]


@pytest.mark.parametrize(
    ("role", "may"),
    [("bot_backend", True), ("service_role", True), ("anon", False), ("authenticated", False)],
)
def test_only_our_functions_and_the_secret_key_may_call(
    database_url: str, boss: str, anna: int, role: str, may: bool
) -> None:
    for statement in (
        f"select public.admin_add_bonus_credits({anna}, 1, '{boss}')",
        f"select public.admin_reset_user_usage({anna}, '{boss}')",
    ):
        with psycopg.connect(database_url, prepare_threshold=None) as connection:
            connection.execute(f"set local role {role}")
            if may:
                connection.execute(statement)
            else:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement)
            connection.rollback()
