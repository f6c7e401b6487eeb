"""Broadcasts on the real stack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

Sql = Callable[..., list[dict[str, Any]]]
TEXTS = {"en": "Hello, **{name}**!", "ru": "Привет, **{name}**!"}


@pytest.fixture(autouse=True)
def no_quiet_hours(sql: Sql) -> None:
    """Let broadcasts go out at any hour of the real clock."""
    sql("update private.settings set value = '9' where key = 'broadcast_quiet_from'")


@pytest.fixture
def others(sql: Sql) -> None:
    """Let only the users of the test be reachable."""
    sql("update bot_sessions set is_blocked = true")


Chats = Callable[..., Chat]


@pytest.fixture
def chat(stack: Stack, others: None) -> Chats:
    """Return the chat of a new user who has started the assistant: `chat("Anna", "ru")`."""

    def chat(name: str, language: str = "en") -> Chat:
        made = stack.telegram.user(name, language_code=language).chat("assistant")
        made.send("/start").wait()
        made.answer()
        return made

    return chat


Send = Callable[..., int]


@pytest.fixture
def send(sql: Sql) -> Send:
    """Start a broadcast without the console: `send(kind="service")`; returns its id."""

    def send(**values: Any) -> int:
        given = {
            "name": "News", "kind": "marketing", "segment": {}, "status": "freezing", "freeze_until": 10**12,
            "content": {"texts": TEXTS, "buttons": []}, **values,
        }  # fmt: skip
        columns = [orjson.dumps(one).decode() if isinstance(one, dict) else one for one in given.values()]
        marks = ", ".join("%s" for _ in given)
        (row,) = sql(
            f"insert into broadcasts ({', '.join(given)}) values ({marks}) returning id",
            *columns,
        )
        return int(row["id"])

    return send
