"""The view legacy_users: old column names for services that read, closed to all others."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from tests.supabase.admins.users import Call, Sql
from tests.support import new_telegram_id

COLUMNS = {
    "telegram_id", "telegram_user_name", "first_name", "last_name", "language", "VIP_level", "is_paid",
    "is_admin", "balance", "total_xp", "level", "total_trainings", "total_score", "registration_date",
}  # fmt: skip


@pytest.fixture
def as_role(database_url: str) -> Callable[[str, str], list[tuple[object, ...]]]:
    """Runs a statement as a role."""

    def run(role: str, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(database_url, autocommit=True, prepare_threshold=None) as connection:
            connection.execute(f"set role {role}".encode())
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    return run


def test_old_names_show_what_the_tables_hold(sql: Sql, call: Call) -> None:
    anna = new_telegram_id()
    call("get_or_create_user", p_telegram_id=anna, p_username="anna_k", p_first_name="Anna")
    call("adjust_balance", p_telegram_id=anna, p_amount=5, p_reason="a gift", p_reference=f"gift:{anna}")
    call("grant_subscription", p_telegram_id=anna, p_kind="month", p_reference=f"gift:{anna}")
    call("award_xp", p_telegram_id=anna, p_bot="spin", p_rule="service", p_reference="x", p_points=120)
    for bot, trainings, score in (("spin", 3, 450), ("old", 2, 100)):
        call(
            "save_user_session",
            p_telegram_id=anna,
            p_bot=bot,
            p_stats={"total_trainings": trainings, "total_score": score},
        )
    call("save_user_session", p_telegram_id=anna, p_bot="course", p_stats={"total_trainings": "many"})
    (row,) = sql("select * from legacy_users where telegram_id = %s", anna)
    assert row.keys() >= COLUMNS
    (user,) = sql("select * from users where telegram_id = %s", anna)
    assert (row["telegram_user_name"], row["first_name"], row["last_name"]) == ("anna_k", "Anna", None)
    assert (row["VIP_level"], row["is_paid"], row["is_admin"]) == (1, True, False)
    assert (row["total_xp"], row["level"], row["balance"]) == (120, user["level"], user["balance"])
    assert (row["total_trainings"], row["total_score"]) == (5, 550)
    assert row["registration_date"] == user["created_at"]


def test_services_read_it_and_nothing_else(as_role: Callable[[str, str], list[tuple[object, ...]]]) -> None:
    as_role("service_role", 'select telegram_user_name, "VIP_level" from legacy_users')
    as_role("postgres", "select from legacy_users")
    for role in ("anon", "authenticated", "bot_backend"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_role(role, "select from legacy_users")
    for statement in (
        "update legacy_users set balance = 1",
        "delete from legacy_users",
        "insert into legacy_users (telegram_id) values (1)",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_role("service_role", statement)
