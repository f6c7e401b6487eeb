"""Lookups by admins: users by id or @username, and the audit log page by page."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from tests.supabase.admins.users import Call, Sql, new_user

Refused = Callable[..., str | None]


def telegram_id(sql: Sql, user_id: int) -> int:
    """Return the user's Telegram id."""
    return int(sql("select telegram_id from users where id = %s", user_id)[0]["telegram_id"])


def test_a_user_is_found_by_id_and_by_username_in_any_case(sql: Sql, boss: str, call: Call) -> None:
    name = "Finder_1"
    user_id = new_user(sql, username=name, first_name="Анна", balance=0, bonus_credits=3)
    for who in (str(telegram_id(sql, user_id)), name, f"@{name}", f"@{name.upper()}"):
        found = call("admin_find_user", p_identifier=who, p_admin_email=boss)
        assert found["id"] == user_id
    assert found["first_name"] == "Анна"
    assert (found["plan"], found["plan_ends_at"], found["requests"], found["daily_requests"]) == (
        "FREE",
        None,
        0,
        25,
    )
    assert (found["bonus_credits"], found["balance"], found["currency"]) == (3, "0.00", "RUB")
    assert found["plans"][:2] == ["FREE", "PREMIUM"]


def test_of_two_users_with_one_username_the_last_active_is_found(sql: Sql, boss: str, call: Call) -> None:
    name = "moved_1"
    for days in (2, 1, 3):
        user_id = new_user(sql, username=name)
        sql(
            "update users set last_activity = private.clock() - make_interval(days => %s) where id = %s",
            days,
            user_id,
        )
        if days == 1:
            owner = user_id
    assert call("admin_find_user", p_identifier=name, p_admin_email=boss)["id"] == owner


@pytest.mark.parametrize(
    "who",
    ["4503599627370001", "@missing_user", "@", "", "%", "9" * 18, "9" * 19, "'; drop table users", None],
)
def test_an_unknown_user_returns_null(boss: str, call: Call, who: str | None) -> None:
    assert call("admin_find_user", p_identifier=who, p_admin_email=boss) is None


def test_only_admins_may_look_up_users(boss: str, refused: Refused) -> None:
    for email in ("stranger@example.com", "", None):
        assert refused("admin_find_user", p_identifier="1", p_admin_email=email) == "N0001"
        assert refused("admin_audit", p_admin_email=email) == "N0001"


def test_the_audit_is_read_page_by_page_without_gap_or_repetition(
    sql: Sql, boss: str, user: int, call: Call
) -> None:
    for number in range(1, 8):
        call("admin_add_bonus_credits", p_user_id=user, p_credits=number, p_admin_email=boss)
    seen: list[int] = []
    before = None
    while True:
        page = call("admin_audit", p_admin_email=boss, p_user_id=user, p_before=before, p_limit=3)
        assert len(page["entries"]) <= 3
        seen += [entry["after"]["credits"] for entry in page["entries"]]
        # Entries written between two pages do not shift the next one.
        call("admin_add_bonus_credits", p_user_id=user, p_credits=99, p_admin_email=boss)
        before = page["next"]
        if before is None:
            break
    assert seen == [7, 6, 5, 4, 3, 2, 1]
    newest = call("admin_audit", p_admin_email=boss, p_limit=1)
    assert newest["entries"][0]["after"]["credits"] == 99
    assert newest["entries"][0]["user"]["telegram_id"] == telegram_id(sql, user)
    assert newest["next"] is not None


def test_an_entry_outlives_the_user(sql: Sql, boss: str, user: int, call: Call) -> None:
    call("admin_ban_user", p_user_id=user, p_reason=None, p_admin_email=boss)
    sql("delete from users where id = %s", user)
    entry = call("admin_audit", p_admin_email=boss, p_limit=1)["entries"][0]
    assert (entry["action"], entry["user"]) == ("ban_user", None)


def test_a_reason_for_credits_is_logged(sql: Sql, boss: str, user: int, call: Call) -> None:
    call(
        "admin_add_bonus_credits",
        p_user_id=user,
        p_credits=5,
        p_admin_email=boss,
        p_reason="  a bug report ",
    )
    (row,) = sql("select after from audit_log where user_id = %s", user)
    assert row["after"] == {"bonus_credits": 5, "credits": 5, "reason": "a bug report"}


@pytest.mark.parametrize(
    ("role", "may"),
    [("bot_backend", True), ("service_role", True), ("anon", False), ("authenticated", False)],
)
def test_only_our_functions_and_the_secret_key_may_call(
    database_url: str, boss: str, user: int, role: str, may: bool
) -> None:
    for statement in (
        f"admin_find_user('1', '{boss}')",
        f"admin_ban_user({user}, null, '{boss}')",
        f"admin_unban_user({user}, '{boss}')",
        f"admin_set_plan({user}, 'PREMIUM', 1, '{boss}')",
        f"admin_audit('{boss}')",
    ):
        with psycopg.connect(database_url, prepare_threshold=None) as connection:
            connection.execute(f"set local role {role}")
            if may:
                connection.execute(f"select public.{statement}")
            else:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(f"select public.{statement}")
            connection.rollback()
