"""No private data reach AI providers: each stored column holds a mark, and no request contains it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.ai.modes import MODES
from tests.stories.test_keys import a_key, add
from tests.supabase.privacy.conftest import Sql, SqlUser
from tests.supabase.privacy.test_personal_data import MARK, catalogue, filled
from tests.support import message_update
from tools.emulator.stack import Stack

__all__ = ["catalogue", "filled"]  # fixtures
GROUP = {"id": -1009876500001, "type": "supergroup", "title": f"Team {MARK}", "username": f"{MARK}_group"}


@pytest.fixture
def anna(sql: Sql, filled: tuple[SqlUser, int, dict[str, Any]]) -> SqlUser:
    """Return a user with the mark in every column that can be stored, and an empty conversation."""
    anna, user_id, rows = filled
    assert MARK in str(rows["public.orders"]["contact"])
    assert MARK in str(rows["public.payment_events"])
    assert MARK in str(rows["public.audit_log"])
    sql("delete from messages where user_id = %s", user_id)
    sql("update users set banned_at = null, ban_reason = %s where id = %s", MARK, user_id)
    sql("update user_tokens set is_active = false where user_id = %s", user_id)
    return anna


def deliver_question(stack: Stack, who: SqlUser, text: str, *, group: bool = False) -> None:
    """Deliver a user's question, with the mark in every field of Telegram's User and Chat."""
    username = stack.telegram.bot("assistant").username
    words = f"@{username} {text}" if group else text
    update = message_update(stack.telegram.user("Anna"), words)
    sender = {"id": who.id, "is_bot": False, "first_name": MARK, "last_name": MARK, "username": MARK}
    update["message"] |= {
        "from": sender | {"language_code": "en"},
        "chat": GROUP if group else {"id": who.id, "type": "private", "first_name": MARK, "username": MARK},
    }
    if group:
        update["message"]["entities"] = [{"type": "mention", "offset": 0, "length": len(username) + 1}]
    stack.telegram.deliver(update)


def sent(stack: Stack) -> list[str]:
    """Return the bodies that the provider received, as text."""
    return [json.dumps(body, ensure_ascii=False) for body in stack.ai.requests]


@pytest.mark.parametrize("group", [False, True], ids=["private", "group"])
def test_nothing_stored_about_a_user_is_sent(stack: Stack, sql: Sql, anna: SqlUser, group: bool) -> None:
    for number, mode in enumerate(MODES):
        sql(
            "update bot_sessions set mode = %s where user_id = (select id from users where telegram_id = %s)",
            mode,
            anna.id,
        )
        deliver_question(stack, anna, f"What is {number}?", group=group)
    bodies = sent(stack)
    assert [f"What is {number}?" in body for number, body in enumerate(bodies)] == [True] * len(MODES)
    headers = [json.dumps(one) for one in stack.ai.headers]
    for text in (*bodies, *headers):
        assert MARK not in text
        assert str(anna.id) not in text


def test_other_users_words_and_other_chats_are_not_sent(stack: Stack, anna: SqlUser) -> None:
    ben = SqlUser(anna.connect)
    deliver_question(stack, ben, "ben's words in the group", group=True)
    deliver_question(stack, ben, "ben's words in private")
    deliver_question(stack, anna, "anna's words in private")
    deliver_question(stack, anna, "What is up?", group=True)
    body = sent(stack)[-1]
    assert "What is up?" in body
    assert "words in" not in body


def test_without_a_database_nothing_about_the_user_is_sent(stack: Stack, anna: SqlUser) -> None:
    stack.database.down()
    deliver_question(stack, anna, "Are you there?")
    bodies = sent(stack)
    assert len(bodies) == 1, bodies
    for body in bodies:
        assert "Are you there?" in body
        assert MARK not in body
        assert str(anna.id) not in body


def test_an_api_key_appears_in_no_request_body(stack: Stack) -> None:
    chat = stack.telegram.user("Anna").chat("assistant")
    key = a_key("OpenAI")
    add(chat, "OpenAI", key)
    chat.send("My question").wait()
    other = a_key("Anthropic")
    chat.send(f"I pasted {other} here").wait()
    chat.send("Another question").wait()
    bodies = sent(stack)
    assert len(bodies) == 2
    assert not any(secret in body for body in bodies for secret in (key, other))
    assert stack.ai.headers[0]["authorization"] == f"Bearer {key}"
