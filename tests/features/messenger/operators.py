"""Operators in browsers for tests, and what users wrote to them."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import orjson

from tests.web.conftest import Answer
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

Sql = Callable[..., list[dict[str, Any]]]


def started(stack: Stack, name: str, language: str = "en") -> Chat:
    """Return the chat of a user who has started the bot."""
    chat = stack.telegram.user(name, language_code=language).chat("assistant")
    chat.send("/start").wait()
    chat.answer()
    return chat


def appoint(sql: Sql, chat: Chat, role: str = "operator") -> None:
    """Give a user a role in the staff."""
    sql(
        "insert into staff (user_id, role, email) select id, %s, %s from users where telegram_id = %s",
        role,
        f"{chat.id}@example.com" if role == "admin" else None,
        chat.id,
    )


def enter(stack: Stack, sql: Sql, name: str = "Olga", role: str = "operator") -> Visitor:
    """Return the browser of a new operator."""
    chat = started(stack, name)
    appoint(sql, chat, role)
    browser = Visitor(stack)
    browser.log_in(chat, "/messenger")
    return browser


def number_of(sql: Sql, chat: Chat) -> int:
    """Return the conversation of a user with the assistant."""
    (row,) = sql(
        "select c.id from conversations as c join users as u on u.id = c.user_id where u.telegram_id = %s",
        chat.id,
    )
    return int(row["id"])


def field(page: str, name: str) -> str:
    """Return the value of a hidden field of the composer."""
    form = page[page.index('id="composer"') :]
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', form)
    assert found, name
    return unescape(found[1])


def compose(browser: Visitor, number: int, words: str, page: str = "", **fields: str) -> Answer:
    """Send the composer of a conversation's page, by default of a new one."""
    page = page or browser.get(f"/messenger/{number}").body
    hidden = {name: field(page, name) for name in ("seen_seq", "reference", "reply_to", "canned")}
    return browser.post(f"/messenger/{number}/send", {**hidden, "mode": "reply", "body": words, **fields})


def post_json(browser: Visitor, path: str, values: dict[str, object]) -> Answer:
    """Send what the script sends."""
    return browser.send_json(path, orjson.dumps(values))


def calls_of(stack: Stack, method: str) -> list[Any]:
    """Return the calls of a method that Telegram got."""
    return [one for one in stack.telegram.calls if one["method"] == method]
