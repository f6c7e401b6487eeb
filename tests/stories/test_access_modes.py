"""Maintenance and access modes: who is served, what keeps working, the command and the page of admins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest

from shared.core.texts import text
from tests.stories.test_admin import Appoint, ask, labels
from tests.stories.test_buy import checkout
from tests.stories.test_referral import invite_link, payload_of
from tests.support import eventually, in_parallel, says
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

Sql = Callable[..., list[dict[str, Any]]]
Call = Callable[..., Any]


@pytest.fixture(autouse=True)
def _open_again(sql: Sql) -> Iterator[None]:
    """Serve all users again after each test."""
    sql("delete from login_attempts")
    yield
    set_access(sql, "open", maintenance=False)


def set_access(sql: Sql, mode: str, *, maintenance: bool = False) -> None:
    """Write the two settings."""
    sql("update private.settings set value = to_jsonb(%s::text) where key = 'access_mode'", mode)
    sql("update private.settings set value = to_jsonb(%s) where key = 'maintenance'", maintenance)


def new_chat(stack: Stack, language: str = "en") -> Chat:
    """Return the chat of a user who has started no bot."""
    return stack.telegram.user("Nina", language_code=language).chat("assistant")


def started(stack: Stack) -> Chat:
    """Return the chat of a user who has started the bot."""
    chat = new_chat(stack)
    ask(chat, "/start")
    return chat


@pytest.mark.parametrize("language", ["en", "ru"])
def test_in_maintenance_only_admins_are_served(
    stack: Stack, sql: Sql, appoint: Appoint, language: str
) -> None:
    boss = appoint(language).chat("assistant")
    anna = stack.telegram.user("Anna", language_code=language).chat("assistant")
    greeting = ask(anna, "/menu")
    shown = ask(boss, "/access")
    assert says(shown.text, "admin_access", language)
    shown.tap(text(language, "admin_button_maintenance_on"))
    shown.wait_for_edit()
    asked = len(stack.ai.requests)
    assert says(ask(anna, "What is a switchboard?").text, "gate_maintenance", language)
    assert says(ask(anna, "/menu").text, "gate_maintenance", language)
    greeting.tap(labels(greeting)[0][0])
    assert len(stack.ai.requests) == asked
    used = "select from daily_usage where user_id = (select id from users where telegram_id = %s)"
    assert sql(used, anna.id) == []
    assert says(ask(anna, "/privacy").text, "gate_maintenance", language) is False
    assert says(ask(boss, "/access").text, "admin_access", language)
    (entry,) = sql("select before, after from audit_log where action = 'set_access'")
    assert entry["before"] == {"mode": "open", "maintenance": False}
    shown.tap(text(language, "admin_button_maintenance_off"))
    shown.wait_for_edit()
    assert not says(ask(anna, "/menu").text, "gate_maintenance", language)
    assert text(language, "admin_access_maintenance") in ask(boss, "/audit").text


def test_an_open_order_is_paid_in_maintenance(stack: Stack, sql: Sql) -> None:
    anna = started(stack)
    link = checkout(anna, "100 requests", "Telegram Stars")
    set_access(sql, "open", maintenance=True)
    anna.pay(link).wait()
    paid = eventually(
        lambda: sql("select bonus_credits from users where telegram_id = %s and bonus_credits > 0", anna.id)
    )
    assert paid == [{"bonus_credits": 100}]


def test_new_users_come_by_invitation(stack: Stack, sql: Sql) -> None:
    anna = started(stack)
    link = payload_of(invite_link(anna))
    set_access(sql, "invite")
    nina = new_chat(stack)
    assert says(ask(nina, "/start").text, "gate_invite")
    assert says(ask(nina, "/start ref_nonsense").text, "gate_invite")
    assert says(ask(nina, f"/start {payload_of(invite_link(anna)).upper()}").text, "gate_invite")
    assert says(ask(anna, "/menu").text, "gate_invite") is False, "who is here stays"
    assert not says(ask(nina, f"/start {link}").text, "gate_invite")
    assert len(sql("select from user_referrals")) == 1, "the invitation counts"
    assert not says(ask(nina, "/menu").text, "gate_invite")
    # A user who was not let in lets in no others.
    sql("update users set is_waiting = true where telegram_id = %s", anna.id)
    assert says(ask(new_chat(stack), f"/start {link}").text, "gate_invite")


def test_a_closed_bot_takes_no_new_users_until_it_opens(stack: Stack, sql: Sql) -> None:
    link = payload_of(invite_link(started(stack)))
    set_access(sql, "closed")
    nina = new_chat(stack, "ru")
    assert says(ask(nina, f"/start {link}").text, "gate_closed", "ru")
    assert says(ask(nina, "Привет").text, "gate_closed", "ru")
    set_access(sql, "open")
    assert not says(ask(nina, "/menu").text, "gate_closed", "ru")


def test_many_first_messages_at_once_are_all_explained(stack: Stack, sql: Sql) -> None:
    set_access(sql, "closed")
    chats = [new_chat(stack) for _ in range(4)]
    answers = in_parallel(4, lambda number: ask(chats[number], "Hello").text)
    assert all(says(one, "gate_closed") for one in answers)
    assert sql("select from user_referrals") == []


def test_an_admin_switches_on_the_page_and_the_site_explains(
    stack: Stack, sql: Sql, appoint: Appoint
) -> None:
    boss = appoint("en").chat("assistant")
    ask(boss, "/start")
    admin, user = Visitor(stack), Visitor(stack)
    admin.log_in(boss, "/staff/access")
    user.log_in(started(stack))
    assert admin.post("/staff/access/save", {"mode": "invite", "maintenance": "true"}).status == 303
    closed = user.get("/account")
    assert closed.status == 503
    assert text("en", "web_gate_maintenance") in closed.body
    for path in ("/account/purchases", "/account/plan", "/account/data", "/account/devices"):
        assert user.get(path).status == 200, path
    page = admin.get("/staff/access")
    assert page.status == 200
    assert page.body.count("checked") == 2
    assert admin.post("/staff/access/save", {"mode": "invite"}).status == 303
    assert user.get("/account").status == 200
    assert user.post("/staff/access/save", {"mode": "open"}).status == 403
    assert admin.post("/staff/access/save", {"mode": "none"}).status == 422


def test_changes_at_once_are_audited_in_order(sql: Sql, call: Call, appoint: Appoint) -> None:
    appoint("en")
    modes = ["invite", "closed", "open", "invite", "closed"]
    in_parallel(
        5, lambda number: call("admin_set_access", "olga@example.com", modes[number], None, f"x:{number}")
    )
    rows = sql("select before, after from audit_log where action = 'set_access' order by id")
    for earlier, later in pairwise(rows):
        assert earlier["after"] == later["before"]
    assert rows[-1]["after"]["mode"] == sql("select private.setting('access_mode') as mode")[0]["mode"]
