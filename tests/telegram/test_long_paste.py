"""A text that the client split into several messages is one question; a single part is answered, too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support import eventually, in_parallel, message_update, new_update_id, started_user
from tests.telegram.test_updates import requests_of
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram.users import TelegramUser

Sql = Callable[..., list[dict[str, Any]]]
TEXT = "слово " * 3000


def _asked(stack: Stack) -> str:
    return str(stack.ai.requests[-1]["messages"][-1]["content"])


def _sweep(stack: Stack, sql: Sql) -> None:
    """Let the hold time expire, and sweep."""
    sql("update telegram_updates set lease_until = lease_until - interval '9 s' where status = 'failed'")
    stack.run_job("sweep")


def _status(sql: Sql, update: dict[str, Any]) -> str:
    rows = sql("select status, payload from telegram_updates where update_id = %s", update["update_id"])
    assert (rows[0]["payload"] is None) == (rows[0]["status"] == "finished")
    return str(rows[0]["status"])


def _note(sql: Sql, user: TelegramUser) -> list[dict[str, Any]]:
    return sql("select from bot_sessions where chat_id = %s and session_data ? 'paste'", user.id)


@pytest.mark.parametrize(
    ("parts", "question"),
    [
        ([TEXT[:4096], TEXT[4096:5000].strip()], TEXT[:5000]),
        ([TEXT[:4096], TEXT[4096:8192], TEXT[8192:8199]], TEXT[:8199]),
        (["a" * 3800, "b"], "a" * 3800 + "\nb"),
        (["😀" * 2048, "b"], "😀" * 2048 + "b"),
    ],
)
def test_parts_of_a_split_text_are_one_question(
    stack: Stack, sql: Sql, parts: list[str], question: str
) -> None:
    anna = started_user(stack.telegram)
    updates = [message_update(anna, part) for part in parts]
    for update in updates[:-1]:
        assert stack.telegram.deliver(update).json()["method"] == "sendChatAction"
        stack.run_job("sweep")  # too early for it
    assert stack.ai.requests == []
    stack.telegram.deliver(updates[-1])
    for update in updates:  # redeliveries
        assert stack.telegram.deliver(update).status == 200
    _sweep(stack, sql)
    assert len(stack.ai.requests) == 1
    assert _asked(stack) == question.strip()
    assert requests_of(sql, anna.id) == 1
    assert {_status(sql, update) for update in updates} == {"finished"}
    assert _note(sql, anna) == []


def test_a_single_held_part_is_answered_by_the_sweep(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram)
    parts = [message_update(anna, TEXT[:4096]), message_update(anna, TEXT[4096:8192])]
    for part in parts:
        stack.telegram.deliver(part)
    assert stack.telegram.deliver(parts[1]).json()["method"] == "sendChatAction"  # held again, once
    in_parallel(2, lambda _: _sweep(stack, sql))
    eventually(lambda: _status(sql, parts[1]) == "finished")
    assert len(stack.ai.requests) == 1
    assert _asked(stack) == TEXT[:8192].strip()
    assert requests_of(sql, anna.id) == 1
    assert _note(sql, anna) == []
    stack.telegram.deliver(message_update(anna, "next"))
    assert _asked(stack) == "next"


def test_commands_in_between_keep_the_held_part(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram)
    stack.telegram.deliver(message_update(anna, TEXT[:4096]))
    assert "/mode" in stack.telegram.deliver(message_update(anna, "/help")).json()["text"]
    stack.telegram.deliver(message_update(anna, "rest"))
    assert _asked(stack) == TEXT[:4096] + "rest"


def test_a_part_that_the_sweep_processes_is_not_joined(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram)
    part = message_update(anna, TEXT[:4096])
    stack.telegram.deliver(part)
    sql(
        "update telegram_updates set status = 'working', lease_until = now() + interval '20 seconds' "
        "where update_id = %s",
        part["update_id"],
    )
    stack.telegram.deliver(message_update(anna, "rest"))
    assert _asked(stack) == "rest"
    assert len(_note(sql, anna)) == 1  # its worker may still need it
    sql("update telegram_updates set status = 'dead_lettered' where update_id = %s", part["update_id"])
    stack.telegram.deliver(message_update(anna, "more"))
    assert _asked(stack) == "more"
    assert _note(sql, anna) == []


def test_the_sweep_skips_a_part_that_a_message_joins(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram)
    stack.ai.next(AiBehaviour(text="slow", delay=1.5))
    stack.telegram.deliver(message_update(anna, TEXT[:4096]))
    sql("update telegram_updates set lease_until = lease_until - interval '9 s' where status = 'failed'")

    def work(number: int) -> None:
        if number:
            eventually(lambda: stack.ai.requests)
            stack.run_job("sweep")
        else:
            stack.telegram.deliver(message_update(anna, "rest"))

    in_parallel(2, work)
    assert len(stack.ai.requests) == 1


@pytest.mark.parametrize(
    "message",
    [
        {"text": "x" * 3795},
        {"text": "x" * 4096, "via_bot": {"id": 99, "is_bot": True, "first_name": "x", "username": "b"}},
    ],
)
def test_other_messages_are_answered_at_once(stack: Stack, message: dict[str, Any]) -> None:
    stack.telegram.deliver(message_update(started_user(stack.telegram), message.pop("text"), **message))
    assert len(stack.ai.requests) == 1


def test_in_a_group_and_after_an_edit_nothing_is_held(stack: Stack) -> None:
    anna, bot = started_user(stack.telegram), stack.telegram.bot("assistant")
    group = {"id": -1001234566666, "type": "supergroup", "title": "Team"}
    entities = [{"type": "mention", "offset": 0, "length": len(bot.username) + 1}]
    stack.telegram.deliver(
        message_update(anna, f"@{bot.username} {TEXT[:4000]}", chat=group, entities=entities)
    )
    edited = message_update(anna, TEXT[:4096])["message"]
    stack.telegram.deliver({"update_id": new_update_id(), "edited_message": edited})
    assert len(stack.ai.requests) == 2


def test_too_much_in_all_is_refused_once(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram)
    for start in range(0, 5 * 4096, 4096):
        response = stack.telegram.deliver(message_update(anna, "x" * 4096))
        assert response.json()["method"] == "sendChatAction", start
    response = stack.telegram.deliver(message_update(anna, "end"))
    assert f"{5 * 4096 + 3:,} characters" in response.json()["text"]
    assert stack.ai.requests == []
    assert requests_of(sql, anna.id) == 0
    assert _note(sql, anna) == []


def test_a_secret_cut_in_two_reaches_no_ai(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram)
    key = "sk-proj-4f9aQ2b7Lx0TnV3mWc8RzYd1"
    stack.telegram.deliver(message_update(anna, ("x " * 2048)[: 4096 - 6] + key[:6]))
    response = stack.telegram.deliver(message_update(anna, key[6:] + " is my key"))
    assert "password or an API key" in response.json()["text"]
    _sweep(stack, sql)
    assert stack.ai.requests == []
    assert _note(sql, anna) == []


def test_an_erasure_removes_held_parts(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram)
    part = message_update(anna, TEXT[:4096])
    stack.telegram.deliver(part)
    chat = anna.chat("assistant")
    chat.send("/deleteme")
    asked = chat.answer()
    asked.tap(asked.buttons[0][0].text).wait()
    eventually(lambda: sql("select from users where telegram_id = %s", anna.id) == [])
    assert _status(sql, part) == "finished"
    _sweep(stack, sql)
    assert stack.ai.requests == []
    assert sql("select from users where telegram_id = %s", anna.id) == []
