"""An operator on the site, and a user who writes to the assistant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

Sql = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def anna(stack: Stack) -> Chat:
    chat = stack.telegram.user("Anna", language_code="en").chat("assistant")
    chat.send("/start").wait()
    chat.answer()
    return chat


@pytest.fixture
def operator(stack: Stack, sql: Sql) -> Iterator[Visitor]:
    """An operator who is logged in."""
    chat = stack.telegram.user("Olga").chat("assistant")
    chat.send("/start").wait()
    chat.answer()
    sql("insert into staff (user_id, role) select id, 'operator' from users where telegram_id = %s", chat.id)
    visitor = Visitor(stack)
    visitor.log_in(chat, "/knowledge")
    yield visitor
    sql("delete from staff")
    sql("delete from private.settings where key like 'knowledge:%%' or key like 'assistance_daily_cost:%%'")


def publish(operator: Visitor, title: str, body: str, slug: str, language: str = "en") -> str:
    """Write and publish an article; return the path of its editor."""
    operator.get("/knowledge/new")
    fields = {"bot": "assistant", "language": language, "title": title, "slug": slug, "body": body}
    created = operator.post("/knowledge/create", fields)
    assert created.status == 303, created.body
    path = str(created.headers["Location"]).removeprefix("/console").partition("?")[0]
    operator.get(path)
    published = operator.post(f"{path}/publish", {"is_published": "true", "version": "1"})
    assert "knowledge_published_notice" in published.headers["Location"]
    return path
