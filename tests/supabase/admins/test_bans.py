"""Bans in SQL: only by admins, not of admins, once per reference, audited."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from tests.supabase.admins.users import BOSS, Call, Sql, audit_entries, new_user
from tests.support import in_parallel

Refused = Callable[..., str | None]


def ban_of(sql: Sql, user_id: int) -> dict[str, Any]:
    """Return the columns of a user's ban."""
    return sql("select banned_at, ban_reason, ban_notified from users where id = %s", user_id)[0]


def test_a_ban_has_a_reason_and_is_lifted_again(sql: Sql, boss: str, user: int, call: Call) -> None:
    done = call("admin_ban_user", p_user_id=user, p_reason=" spam ", p_admin_email="BOSS@example.com")
    assert done["applied"] is True
    assert done["before"] == {"banned_at": None, "reason": None}
    assert done["after"]["reason"] == "spam"
    assert ban_of(sql, user)["ban_reason"] == "spam"
    sql("update users set ban_notified = true where id = %s", user)
    lifted = call("admin_unban_user", p_user_id=user, p_admin_email=boss)
    assert lifted["outgoing"] == [], "no bot can write to a user who never started one"
    assert (lifted["before"]["reason"], lifted["after"]["banned_at"]) == ("spam", None)
    assert ban_of(sql, user) == {"banned_at": None, "ban_reason": None, "ban_notified": False}
    rows = audit_entries(sql, user)
    assert [(row["admin_email"], row["action"]) for row in rows] == [(BOSS, "ban_user"), (BOSS, "unban_user")]
    assert rows[0]["after"] == done["after"]
    assert rows[1]["before"] == done["after"]


def test_a_second_ban_changes_the_reason_without_a_second_notice(
    sql: Sql, boss: str, user: int, call: Call
) -> None:
    first = call("admin_ban_user", p_user_id=user, p_reason=None, p_admin_email=boss)
    sql("update users set ban_notified = true where id = %s", user)
    second = call("admin_ban_user", p_user_id=user, p_reason="scam", p_admin_email=boss)
    assert second["before"] == first["after"]
    assert second["after"] == {"banned_at": first["after"]["banned_at"], "reason": "scam"}
    assert ban_of(sql, user)["ban_notified"] is True


def test_a_reference_acts_once_also_after_the_ban_was_lifted(
    sql: Sql, boss: str, user: int, call: Call
) -> None:
    reference = f"telegram:assistant:{user}:1"

    def ban(_n: int) -> bool:
        done = call(
            "admin_ban_user", p_user_id=user, p_reason="spam", p_admin_email=boss, p_reference=reference
        )
        assert done["after"]["reason"] == "spam"
        return bool(done["applied"])

    assert sum(in_parallel(20, ban)) == 1
    call("admin_unban_user", p_user_id=user, p_admin_email=boss, p_reference=f"{reference}:lifted")
    assert ban(0) is False
    assert ban_of(sql, user)["banned_at"] is None
    call("admin_ban_user", p_user_id=user, p_reason="again", p_admin_email=boss)
    again = call("admin_unban_user", p_user_id=user, p_admin_email=boss, p_reference=f"{reference}:lifted")
    assert again["applied"] is False
    assert ban_of(sql, user)["ban_reason"] == "again"
    assert len(audit_entries(sql, user)) == 3


def test_lifting_a_missing_ban_changes_nothing_and_is_logged(
    sql: Sql, boss: str, user: int, call: Call
) -> None:
    reference = f"no-ban:{user}"
    first = call("admin_unban_user", p_user_id=user, p_admin_email=boss, p_reference=reference)
    assert first["before"] == first["after"] == {"banned_at": None, "reason": None}
    call("admin_ban_user", p_user_id=user, p_reason=None, p_admin_email=boss)
    call("admin_unban_user", p_user_id=user, p_admin_email=boss, p_reference=reference)
    assert ban_of(sql, user)["banned_at"] is not None


def test_invalid_bans_are_refused(sql: Sql, boss: str, user: int, refused: Refused) -> None:
    admin = sql("insert into users (telegram_id) values (777000111) returning id")[0]["id"]
    ban = {"p_reason": None, "p_admin_email": boss}
    assert refused("admin_ban_user", p_user_id=admin, **ban) == "N0005"
    assert refused("admin_ban_user", p_user_id=-1, **ban) == "N0002"
    assert refused("admin_unban_user", p_user_id=-1, p_admin_email=boss) == "N0002"
    assert refused("admin_ban_user", p_user_id=user, **ban | {"p_reason": "x" * 501}) == "N0004"
    for email in ("stranger@example.com", "", None, "%"):
        assert refused("admin_ban_user", p_user_id=user, p_reason=None, p_admin_email=email) == "N0001"
        assert refused("admin_unban_user", p_user_id=user, p_admin_email=email) == "N0001"
    assert audit_entries(sql, user) == []


def test_a_reference_of_another_action_or_user_is_refused(
    sql: Sql, boss: str, user: int, call: Call, refused: Refused
) -> None:
    other = new_user(sql)
    values = {"p_admin_email": boss, "p_reference": f"one:{user}"}
    call("admin_ban_user", p_user_id=user, p_reason=None, **values)
    assert refused("admin_ban_user", p_user_id=other, p_reason=None, **values) == "N0003"
    assert refused("admin_unban_user", p_user_id=user, **values) == "N0003"
    assert refused("admin_set_plan", p_user_id=user, p_plan="PREMIUM", p_days=1, **values) == "N0003"
    assert ban_of(sql, other)["banned_at"] is None
    assert ban_of(sql, user)["banned_at"] is not None


def test_ban_and_unban_at_once_leave_one_state(sql: Sql, boss: str, user: int, call: Call) -> None:
    def act(n: int) -> Any:
        if n % 2:
            return call("admin_unban_user", p_user_id=user, p_admin_email=boss)
        return call("admin_ban_user", p_user_id=user, p_reason="race", p_admin_email=boss)

    in_parallel(16, act)
    rows = audit_entries(sql, user)
    assert len(rows) == 16
    assert all(before["after"] == after["before"] for before, after in itertools.pairwise(rows))
    state = ban_of(sql, user)
    assert (state["banned_at"] is not None) is (rows[-1]["action"] == "ban_user")
