"""Roles of the staff in SQL: who may give which, races of changes, what follows from a role."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from tests.supabase.admins.users import Call, Sql, audit_entries, new_user
from tests.support import in_parallel

ROLES = ("admin", "operator", "author")


@pytest.fixture
def owner(sql: Sql, boss: str) -> int:
    """The owner, as a user."""
    return new_user(sql, telegram_id=777000111, first_name="Olga")


def hashed(token: str) -> str:
    """Return a parameter of type bytea."""
    return rf"\x{sha256(token.encode()).hexdigest()}"


def give(call: Call, actor: int, user: int, role: str, email: str | None = None) -> str:
    """Give a role and return the outcome."""
    return str(call("set_staff_role", actor, user, role, email)["outcome"])


def role_of(sql: Sql, user: int) -> str | None:
    """Return the role that counts."""
    found = sql("select private.staff_role(%s) as role", user)[0]["role"]
    return str(found) if found else None


def test_an_owner_gives_every_role_and_an_admin_those_below(
    sql: Sql, call: Call, owner: int, refused: Callable[..., str | None]
) -> None:
    admin, operator, other = (new_user(sql) for _ in range(3))
    assert give(call, owner, admin, "admin", "Ann@Example.com") == "given"
    assert give(call, admin, operator, "operator") == "given"
    assert give(call, admin, operator, "author") == "given"
    for actor, user, role in (
        (admin, other, "admin"),
        (admin, admin, "operator"),
        (operator, other, "operator"),
        (other, other, "operator"),
    ):
        assert (
            refused("set_staff_role", p_actor_id=actor, p_user_id=user, p_role=role, p_email="x@example.com")
            == "N0009"
        )
    assert refused("remove_staff", p_actor_id=admin, p_user_id=admin) == "N0009"
    assert refused("list_staff", p_actor_id=operator) == "N0009"
    assert refused("staff_audit", p_actor_id=operator) == "N0009"
    assert give(call, admin, owner, "operator") == "owner"
    assert audit_entries(sql, operator)[-1]["admin_email"] == "ann@example.com"


def test_a_granted_admin_is_an_admin_everywhere_until_the_role_is_taken(
    sql: Sql, call: Call, owner: int, refused: Callable[..., str | None]
) -> None:
    admin = new_user(sql)
    assert refused("admin_overview", p_admin_email="ann@example.com") == "N0001"
    give(call, owner, admin, "admin", "ann@example.com")
    assert sql("select is_admin, is_paid from users where id = %s", admin) == [
        {"is_admin": True, "is_paid": True}
    ]
    assert call("admin_overview", p_admin_email="Ann@example.com")
    assert call("admin_email", admin) == {"email": "ann@example.com"}
    # A deployment that changes the owners leaves granted admins as they are.
    sql("update admins set telegram_id = null")
    assert sql("select is_admin from users where id = %s", admin) == [{"is_admin": True}]
    sql("update admins set telegram_id = 777000111")
    assert call("remove_staff", owner, admin) == {"outcome": "removed"}
    assert sql("select is_admin, is_paid from users where id = %s", admin) == [
        {"is_admin": False, "is_paid": False}
    ]
    assert refused("admin_overview", p_admin_email="ann@example.com") == "N0001"


def test_an_admin_needs_an_address_of_their_own(sql: Sql, call: Call, owner: int, boss: str) -> None:
    admin, other = new_user(sql), new_user(sql)
    assert give(call, owner, admin, "admin") == "email_missing"
    assert give(call, owner, admin, "admin", "nonsense") == "email_wrong"
    assert give(call, owner, admin, "admin", boss.upper()) == "email_taken"
    assert give(call, owner, admin, "admin", "ann@example.com") == "given"
    assert give(call, owner, other, "operator", "ANN@example.com") == "email_taken"
    assert give(call, owner, 0, "operator") == "unknown"


def test_a_ban_takes_the_rights_and_gives_none(sql: Sql, call: Call, owner: int) -> None:
    operator = new_user(sql)
    give(call, owner, operator, "operator")
    sql("update users set banned_at = now() where id = %s", operator)
    assert role_of(sql, operator) is None
    assert call("staff_account", operator, "operator") == {"account": None}
    assert give(call, owner, operator, "author") == "banned"


@pytest.mark.parametrize("role", ROLES)
def test_sessions_end_when_a_role_comes_changes_or_goes(sql: Sql, call: Call, owner: int, role: str) -> None:
    member = new_user(sql)

    def is_logged_in_after(change: Callable[[], Any]) -> bool:
        sql("select private.open_user_session(%s, %s, 'bot', 'Firefox')", member, hashed("a token"))
        assert call("find_user_session", hashed("a token"))["session"]["role"] == role_of(sql, member)
        change()
        return call("find_user_session", hashed("a token"))["session"] is not None

    assert not is_logged_in_after(lambda: give(call, owner, member, role, "ann@example.com"))
    others = [one for one in ROLES if one != role]
    assert not is_logged_in_after(lambda: give(call, owner, member, others[0]))
    assert is_logged_in_after(lambda: give(call, owner, member, others[0], "other@example.com"))
    assert not is_logged_in_after(lambda: call("remove_staff", owner, member))


@pytest.mark.parametrize("role", ROLES)
def test_a_session_of_the_staff_is_short(sql: Sql, call: Call, owner: int, role: str) -> None:
    member = new_user(sql)
    give(call, owner, member, role, "ann@example.com")
    sql("select private.open_user_session(%s, %s, 'bot', 'Firefox')", member, hashed("a token"))
    assert sql(
        "select expires_at - created_at < '13 hours' as idle, ends_at - created_at < '8 days' as most"
        " from user_sessions where user_id = %s",
        member,
    ) == [{"idle": True, "most": True}]


def test_of_two_users_who_open_an_invitation_at_once_one_gets_the_role(
    sql: Sql, call: Call, owner: int
) -> None:
    users = [new_user(sql) for _ in range(4)]
    assert call("invite_staff", owner, "operator", hashed("token"), None)["outcome"] == "invited"
    done = in_parallel(4, lambda number: call("accept_staff_invitation", users[number], hashed("token")))
    assert sorted(one["outcome"] for one in done) == ["given", "gone", "gone", "gone"]
    assert len(sql("select from staff where user_id = any(%s)", users)) == 1
    (winner,) = [user for user, one in zip(users, done, strict=True) if one["outcome"] == "given"]
    assert call("accept_staff_invitation", winner, hashed("token"))["outcome"] == "given"
    assert len(audit_entries(sql, winner)) == 1


def test_an_invitation_counts_while_its_sender_may_give_the_role(
    sql: Sql, call: Call, owner: int, refused: Callable[..., str | None]
) -> None:
    admin, guest = new_user(sql), new_user(sql)
    give(call, owner, admin, "admin", "ann@example.com")
    new = {"p_actor_id": admin, "p_token_hash": hashed("t"), "p_email": "new@example.com"}
    assert refused("invite_staff", **new, p_role="admin") == "N0009"
    call("invite_staff", **new, p_role="operator")
    # An admin and the owner have the rights already: the link stays valid.
    assert call("accept_staff_invitation", owner, hashed("t"))["outcome"] == "known"
    give(call, owner, admin, "author")
    assert call("accept_staff_invitation", guest, hashed("t"))["outcome"] == "gone"
    give(call, owner, admin, "admin")
    call("remove_staff", owner, admin)
    give(call, owner, admin, "admin", "ann@example.com")
    assert call("accept_staff_invitation", guest, hashed("t"))["outcome"] == "gone", "canceled with the role"


def test_an_invitation_ends_after_three_days_and_when_it_is_canceled(
    sql: Sql, call: Call, owner: int, clock: Callable[[str], None]
) -> None:
    guest = new_user(sql)
    call("invite_staff", owner, "author", hashed("late"), None)
    call("invite_staff", owner, "author", hashed("canceled"), None)
    (late, canceled) = call("list_staff", owner)["invitations"]
    assert call("cancel_staff_invitation", owner, canceled["id"]) == {"outcome": "canceled"}
    assert call("cancel_staff_invitation", owner, canceled["id"]) == {"outcome": "none"}
    assert call("accept_staff_invitation", guest, hashed("canceled"))["outcome"] == "gone"
    clock("clock_timestamp() + interval '73 hours'")
    assert [one["id"] for one in call("list_staff", owner)["invitations"]] == []
    assert late["role"] == "author"
    assert call("accept_staff_invitation", guest, hashed("late"))["outcome"] == "gone"


def test_two_owners_who_change_one_member_at_once_leave_one_role(sql: Sql, call: Call, owner: int) -> None:
    member = new_user(sql)

    def change(number: int) -> object:
        if number % 2:
            return call("remove_staff", owner, member)
        return give(call, owner, member, ROLES[number // 2 % 3], "ann@example.com")

    in_parallel(8, change)
    left = sql("select role from staff where user_id = %s", member)
    expected = bool(left) and left[0]["role"] == "admin"
    assert sql("select is_admin from users where id = %s", member) == [{"is_admin": expected}]
    last = audit_entries(sql, member)[-1]["after"]["role"]
    assert last == (left[0]["role"] if left else None)


def test_an_author_edits_courses_and_nothing_else(
    sql: Sql, call: Call, owner: int, refused: Callable[..., str | None]
) -> None:
    author, operator = new_user(sql), new_user(sql)
    give(call, owner, author, "author")
    give(call, owner, operator, "operator")
    account = call("staff_account", author, "author")["account"]
    assert account == f"user:{author}"
    values = {"texts": {"en": {"title": "New"}}}
    saved = call(
        "admin_save_course", p_slug="by-author", p_values=values, p_admin_email=account, p_version=None
    )
    assert saved["outcome"] != "exists"
    sql("delete from courses where slug = 'by-author'")
    new = {"p_slug": "x", "p_values": values, "p_version": None}
    for wrong in (f"user:{operator}", "user:1", "user:99999999999999999999", "", f"user:{owner}"):
        assert refused("admin_save_course", **new, p_admin_email=wrong) == "N0001", wrong
    assert refused("admin_find_user", p_identifier="1", p_admin_email=account) == "N0001"
    assert refused("admin_export_learners", p_slug="x", p_admin_email=account) == "N0001"


def test_the_audit_is_filtered_and_turned_page_by_page(sql: Sql, call: Call, owner: int, boss: str) -> None:
    member = new_user(sql, first_name="Mia")
    give(call, owner, member, "operator")
    for hour in range(3):
        for subject in ("1", "1", "2"):
            sql(
                "select private.audit_reading(%s, 'read_conversation', %s, %s)",
                f"user:{member}",
                f"{hour}:{subject}",
                owner,
            )
    reads = call("staff_audit", owner, p_kind="read")["entries"]
    assert len(reads) == 6, "one entry per subject and hour"
    assert {one["actor"] for one in reads} == {"Mia"}
    (given,) = call("staff_audit", owner, p_kind="change", p_account=boss, p_user_id=member)["entries"]
    assert (given["action"], given["after"]["role"]) == ("set_staff_role", "operator")
    seen: list[int] = []
    before = None
    while True:
        page = call("staff_audit", owner, p_account=f"user:{member}", p_before=before, p_limit=4)
        seen += [one["id"] for one in page["entries"]]
        before = page["next"]
        if before is None:
            break
    assert seen == sorted((one["id"] for one in reads), reverse=True)


def test_alarms_reach_granted_admins(sql: Sql, call: Call, owner: int) -> None:
    admin = new_user(sql)
    sql(
        "insert into bot_sessions (user_id, bot, chat_id)"
        " select u.id, 'assistant', u.telegram_id from users as u"
        " where u.id = %s",
        admin,
    )
    give(call, owner, admin, "admin", "ann@example.com")
    sent = sql("select private.notify_admins('admin_test', '{}') as sent")[0]["sent"]
    ids = [one["id"] for one in sent]
    chats = {one["chat_id"] for one in sql("select chat_id from telegram_outbox where id = any(%s)", ids)}
    assert sql("select telegram_id from users where id = %s", admin)[0]["telegram_id"] in chats
