"""Stories of the staff: a role by name and by invitation, what it opens, how it ends, the activity log."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

import pytest

from shared.core.texts import text
from tests.web.pages import check_page
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

Sql = Callable[..., list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def _no_earlier_attempts(sql: Sql) -> None:
    """All tests come from one network address, of which ten logins an hour are allowed."""
    sql("delete from login_attempts")


@pytest.fixture
def owner(stack: Stack, sql: Sql) -> Iterator[Visitor]:
    """An owner who is logged in."""
    chat = started(stack, "Olga")
    sql("insert into admins (email, telegram_id) values ('olga@example.com', %s)", chat.id)
    visitor = Visitor(stack)
    visitor.log_in(chat, "/staff")
    yield visitor
    sql("delete from admins where email = 'olga@example.com'")


def started(stack: Stack, name: str, language: str = "en") -> Chat:
    """Return the chat of a user who has started the bot."""
    chat = stack.telegram.user(name, language_code=language).chat("assistant")
    chat.send("/start")
    chat.answer()
    return chat


def invitation(page: str) -> str:
    """Return the payload of the link that a page shows."""
    found = re.search(r"start=(staff_[A-Za-z0-9_-]{43})", unescape(page))
    assert found, page
    return found[1]


def token_of(page: str) -> str:
    """Return the token with which the page's form makes an invitation."""
    return re.findall(r'name="token" value="([^"]+)"', page)[0]


def test_an_operator_is_added_by_id_gets_a_message_and_loses_the_role(
    stack: Stack, sql: Sql, owner: Visitor
) -> None:
    chat = started(stack, "Oscar", "ru")
    browser = Visitor(stack)
    browser.log_in(chat)
    owner.get("/staff")
    assert owner.post("/staff/add", {"user": str(chat.id), "role": "operator"}).status == 303
    assert chat.answer().text == text("ru", "staff_given_operator").replace("**", "")
    assert browser.get("/account").status == 303, "logged out with the change"
    page = owner.get("/staff").body
    assert "Oscar" in page
    assert text("en", "staff_role_operator") in page
    browser.log_in(chat)
    assert browser.get("/staff").status == 403
    (member,) = sql("select user_id from staff")
    assert owner.post("/staff/remove", {"user_id": str(member["user_id"])}).status == 303
    assert browser.get("/account").status == 303
    assert sql("select from staff") == []


def test_an_invitation_makes_an_admin_once(stack: Stack, sql: Sql, owner: Visitor) -> None:
    page = owner.get("/staff")
    form = {"role": "admin", "token": token_of(page.body)}
    assert owner.post("/staff/invite", form).status == 422, "an admin needs an address"
    shown = owner.post("/staff/invite", {**form, "email": "Ann@example.com"})
    again = owner.post("/staff/invite", {**form, "email": "Ann@example.com"})
    assert invitation(shown.body) == invitation(again.body)
    assert len(sql("select from staff_invitations")) == 1
    assert form["token"] not in owner.get("/staff").body
    ann, eve = started(stack, "Ann"), started(stack, "Eve")
    ann.send(f"/start {invitation(shown.body)}")
    assert text("en", "staff_given_admin").replace("**", "") in ann.answer().text
    eve.send(f"/start {invitation(shown.body)}")
    assert text("en", "staff_invitation_gone") in eve.answer().text
    ann.send("/audit a b")
    assert "/audit" in ann.answer().text
    browser = Visitor(stack)
    page = browser.log_in(ann, "/staff")
    assert 'href="/console/staff"' in page.body
    assert 'value="admin"' not in page.body, "an admin gives the roles below"
    form = {"role": "admin", "email": "eve@example.com", "user": str(eve.id)}
    assert browser.post("/staff/add", form).status == 403
    assert browser.post("/staff/add", {"role": "author", "user": str(eve.id)}).status == 303


@pytest.mark.parametrize("language", ["en", "ru"])
def test_what_was_typed_wrong_is_explained(stack: Stack, owner: Visitor, language: str) -> None:
    owner.language = language
    owner.get("/staff")
    chat = started(stack, "Oscar")
    for fields, key in (
        ({"user": "987654321987", "role": "operator"}, "staff_unknown_user"),
        ({"user": str(chat.id), "role": "admin"}, "staff_refused_email_missing"),
        ({"user": str(chat.id), "role": "admin", "email": "olga@example.com"}, "staff_refused_email_taken"),
    ):
        answer = owner.post(f"/staff/add?lang={language}", fields)
        assert answer.status == 422
        assert text(language, key) in unescape(answer.body)
        check_page(answer.body)
        assert f'name="user" value="{fields["user"]}"' in answer.body, "what was typed stays"
    wrong = owner.post("/staff/invite", {"token": "x" * 43, "role": "author", "email": "no address"})
    assert wrong.status == 422
    assert text(language, "staff_refused_email_wrong") in unescape(wrong.body)
    assert 'value="no address"' in wrong.body
    for fields in ({"user": "x'; drop", "role": "operator"}, {"user": str(chat.id), "role": "owner"}):
        assert owner.post("/staff/add", fields).status == 422


def test_an_author_edits_courses_and_enrolls_no_one(stack: Stack, sql: Sql, owner: Visitor) -> None:
    chat = started(stack, "Alex")
    owner.get("/staff")
    owner.post("/staff/add", {"user": str(chat.id), "role": "author"})
    chat.answer()
    browser = Visitor(stack)
    page = browser.log_in(chat, "/admin/courses")
    assert page.status == 200
    assert 'href="/console/staff"' not in page.body
    form = {"slug": "authors-course", "title": "Mine"}
    assert browser.post("/admin/new_course", form).status == 303
    learners = browser.get("/admin/courses/authors-course/learners")
    assert learners.status == 200
    assert "/enroll" not in learners.body
    assert "learners.csv" not in learners.body
    enrolling = {"user": str(chat.id), "tier": "vip", "reference": 22 * "x"}
    assert browser.post("/admin/courses/authors-course/enroll", enrolling).status == 403
    assert browser.get("/admin/courses/authors-course/learners.csv").status == 403
    sql("delete from courses where slug = 'authors-course'")


def test_the_log_shows_what_a_member_did(stack: Stack, sql: Sql, owner: Visitor) -> None:
    chat = started(stack, "Oscar <b>")
    owner.get("/staff")
    owner.post("/staff/add", {"user": str(chat.id), "role": "operator"})
    assert "Oscar &lt;b&gt;" in owner.get("/staff").body
    (member,) = sql("select user_id from staff")
    for subject in range(60):
        sql(
            "select private.audit_reading(%s, 'read_conversation', %s)",
            f"user:{member['user_id']}",
            str(subject),
        )
    page = owner.get(f"/staff/audit?account=user:{member['user_id']}&kind=read")
    assert page.body.count('<td class="when">') == 50
    older = unescape(re.findall(r'href="([^"]*before=[^"]*)"', page.body)[0])
    assert owner.get(older).body.count('<td class="when">') == 10
    changes = owner.get(f"/staff/audit?kind=change&user={chat.id}").body
    assert changes.count('<td class="when">') == 1
    assert text("en", "audit_set_staff_role", role=text("en", "staff_role_operator")) in changes
    for odd in ("user=1", "before=x", "before=99999999999999999999", "kind=nope", "account=%00", "user=%27"):
        assert owner.get(f"/staff/audit?{odd}").status == 200, odd
