"""Who may open which page: every route for every visitor, every route with an id for another user."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.console.routes import PAGES
from shared.web.access import Access
from shared.web.page import Page
from tests.web.pages import EXAMPLES
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

Sql = Callable[..., list[dict[str, Any]]]

ROLES = ("visitor", "user", "paid", "operator", "author", "admin", "owner", "banned")
# What a user meets who may open a page: it is shown, leads on, or has nothing of the example's id.
OPENED = {200, 303, 404, 410}
# A form without fields does nothing, or says what is missing.
TAKEN = {200, 303, 404, 415, 422, 429}
# Pages that end the session.
LAST = ("/logout",)


def enter(stack: Stack, sql: Sql, role: str) -> Visitor:
    """Return the browser of a visitor of this kind."""
    browser = Visitor(stack)
    if role == "visitor":
        return browser
    chat = stack.telegram.user(role.capitalize(), language_code="en").chat("assistant")
    chat.send("/start")
    chat.answer()
    if role == "paid":
        sql("select grant_subscription(%s, 'month', 'access:paid')", chat.id)
    if role in ("admin", "operator", "author"):
        sql(
            "insert into staff (user_id, role, email) select u.id, %s, 'staff@example.com' from users as u"
            " where u.telegram_id = %s",
            role,
            chat.id,
        )
    if role == "owner":
        sql("insert into admins (email, telegram_id) values ('access@example.com', %s)", chat.id)
    browser.log_in(chat, "/account")
    if role == "banned":
        sql("update users set banned_at = now() where telegram_id = %s", chat.id)
    return browser


def may_open(page: Page, role: str) -> bool:
    """Return whether a visitor of this kind may open a page."""
    return {
        Access.ANYONE: True,
        Access.VISITOR: True,
        Access.USER: role not in ("visitor", "banned"),
        Access.PAID: role in ("paid", "admin", "owner"),
        Access.OPERATOR: role in ("operator", "admin", "owner"),
        Access.AUTHOR: role in ("author", "admin", "owner"),
        Access.ADMIN: role in ("admin", "owner"),
        Access.OWNER: role == "owner",
    }[page.access]


def expected(page: Page, role: str, method: str) -> set[int]:
    """Return the statuses with which a page may answer."""
    if page.for_servers:  # with a secret of their own, which no visitor has
        return {401, 403, 404}
    if may_open(page, role):
        return OPENED if method == "GET" else TAKEN
    if role in ("visitor", "banned"):
        return {303} if method == "GET" else {401}
    return {403}


@pytest.mark.parametrize("role", ROLES)
def test_every_page_opens_for_whom_it_is_for(stack: Stack, sql: Sql, role: str) -> None:
    browser = enter(stack, sql, role)
    try:
        for page in sorted(PAGES, key=lambda one: one.path in LAST):
            for method in page.methods:
                path = EXAMPLES[page.path]
                answer = browser.get(path) if method == "GET" else browser.post(path)
                assert answer.status in expected(page, role, method), f"{method} {path}: {answer.status}"
                if answer.status == 303 and not may_open(page, role):
                    assert answer.headers["Location"].startswith("/console/login"), path
    finally:
        sql("delete from admins where email = 'access@example.com'")


# Routes with an id: a row of Anna's, whose path another user opens.
def _picture(sql: Sql, chat: Chat, kind: str) -> str:
    made = sql(
        "insert into generations (user_id, bot, chat_id, kind, provider, model, reference, day, is_sold,"
        " deadline, state, files, ended_at)"
        " select u.id, 'assistant', u.telegram_id, %s, 'google', 'm', 'access:' || %s, now()::date, false,"
        " now(), 'delivered', %s, now() from users as u where u.telegram_id = %s returning id",
        kind,
        kind,
        '[{"key": null, "mime": null, "width": null, "height": null, "duration": null}]',
        chat.id,
    )
    return f"assistant/{made[0]['id']}/0"


# Of those, other files have the stories: test_shop.py, test_money_pages.py, test_training_pages.py, courses.
ELSEWHERE = (
    "/account/orders/",
    "/account/plan/renewals/",
    "/account/purchases/",
    "/account/trainings/",
    "/courses/",
)
FOREIGN: dict[str, Callable[[Sql, Chat], str]] = {
    next(path for path in EXAMPLES if path.startswith(f"/account/{name}/")): (
        lambda sql, chat, name=name, kind=kind: f"/account/{name}/{_picture(sql, chat, kind)}"
    )
    for name, kind in (("pictures", "image"), ("videos", "video"))
}


def test_every_route_with_an_id_has_an_example_of_another_user() -> None:
    of_users = (Access.USER, Access.PAID)
    routes = {
        page.path
        for page in PAGES
        if "<int(" in page.path and page.access in of_users and not page.path.startswith(ELSEWHERE)
    }
    assert routes == set(FOREIGN)


@pytest.mark.parametrize("rule", FOREIGN)
def test_what_belongs_to_another_user_is_not_found(stack: Stack, sql: Sql, rule: str) -> None:
    chat = stack.telegram.user("Anna").chat("assistant")
    owner, other = Visitor(stack), Visitor(stack)
    owner.log_in(chat)
    other.log_in(stack.telegram.user("Ben").chat("assistant"))
    path = FOREIGN[rule](sql, chat)
    assert owner.get(path).status in (200, 303, 410)
    assert other.get(path).status in (403, 404)
