"""A team that answers users, for tests of the messenger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from tests.stories.test_messenger_thread import conversation_of
from tests.telegram.test_updates import Sql
from tools.emulator.stack import Stack
from tools.emulator.telegram.users import Chat

Call = Callable[..., Any]


def make_operator(stack: Stack, sql: Sql, name: str = "Olga", role: str = "operator") -> int:
    """Add a member of the staff; returns users.id."""
    user = stack.telegram.user(name, "en")
    (row,) = sql(
        "with u as (insert into users (telegram_id, first_name) values (%s, %s) returning id) "
        "insert into staff (user_id, role, email) select id, %s, %s from u returning user_id",
        user.id,
        name,
        role,
        f"{name.lower()}{user.id}@example.com",
    )
    return int(row["user_id"])


def make_user(stack: Stack, name: str = "Anna", language: str = "en") -> Chat:
    """A user who has started the assistant."""
    chat = stack.telegram.user(name, language).chat("assistant")
    chat.send("/start").wait()
    chat.answer()
    return chat


def queue(call: Call, sql: Sql, actor: int, chat: Chat, body: str, **more: Any) -> Any:
    """Queue a message of a member who has seen everything."""
    found = conversation_of(sql, chat.id)
    given = {"p_seen_seq": found["last_seq"], "p_reference": str(uuid4())} | more
    return call(
        "send_conversation_message",
        p_actor_id=actor,
        p_conversation_id=found["id"],
        p_body=body,
        **given,
    )
