"""The older widget: signed fields in the address, which a button confirms."""

from __future__ import annotations

import hashlib
import hmac
import time
from urllib.parse import urlencode

from shared.features.login.pages.choice import AFTER_LOGIN
from tests.support import in_parallel
from tests.web.login_ways.results import Sql, failure, sessions_of
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram.users import TelegramUser


def of_widget(stack: Stack, user: TelegramUser, bot: str = "assistant", **more: str) -> str:
    """Return the query with which the widget comes back."""
    fields = {
        "id": str(user.id),
        "first_name": "Anna <b>",
        "auth_date": str(int(stack.telegram.state.clock.now())),
        **more,
    }
    lines = "\n".join(f"{name}={fields[name]}" for name in sorted(fields))
    key = hashlib.sha256(stack.telegram.state.bots[bot].token.encode()).digest()
    return urlencode(fields | {"hash": hmac.new(key, lines.encode(), hashlib.sha256).hexdigest()})


def test_the_widget_asks_first(stack: Stack, browser: Visitor, anna: TelegramUser, sql: Sql) -> None:
    query = of_widget(stack, anna)
    page = browser.get(f"/login/widget?{query}")
    assert page.status == 200
    assert "Anna &lt;b&gt;" in page.body
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert sessions_of(sql, anna) == []
    assert "session" not in browser.cookies
    assert browser.post("/login/widget/confirm", {"query": query}).status == 303
    assert browser.get(AFTER_LOGIN).status == 200
    assert sessions_of(sql, anna) == [{"way": "widget"}]


def test_fields_of_the_widget_work_once(stack: Stack, anna: TelegramUser, sql: Sql) -> None:
    query = of_widget(stack, anna)

    def come(_: int) -> int:
        return Visitor(stack).post("/login/widget/confirm", {"query": query}).status

    assert sorted(in_parallel(4, come)) == [200, 200, 200, 303]
    assert len(sessions_of(sql, anna)) == 1


def test_forged_fields_of_the_widget(stack: Stack, browser: Visitor, anna: TelegramUser) -> None:
    query = of_widget(stack, anna)
    for wrong in (
        query.replace("Anna", "Hanna"),
        query + "&is_admin=1",
        of_widget(stack, anna, bot="quiz"),
        of_widget(stack, anna, auth_date=str(int(time.time()) - 700)),
        "",
    ):
        assert failure(browser.get(f"/login/widget?{wrong}"), "login_not_confirmed")
        assert failure(browser.post("/login/widget/confirm", {"query": wrong}), "login_not_confirmed")
    assert (
        browser.post("/login/widget/confirm", {"query": query}, Origin="https://evil.example").status == 403
    )
    assert browser.post("/login/widget/confirm", {"query": "x" * 5_000}).status == 422
    assert "session" not in browser.cookies
