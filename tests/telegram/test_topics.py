"""A chat with topics, private or forum, has a conversation in each of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support import message_update, new_update_id, started_user
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram.model import Topic
from tools.emulator.telegram.users import TelegramUser

Sql = Callable[..., list[dict[str, Any]]]


def _forum(user: TelegramUser) -> dict[str, Any]:
    return {"id": -1_003_000_000_000 - user.id, "type": "supergroup", "title": "T", "is_forum": True}


def _in(
    thread: int, stack: Stack, user: TelegramUser, text: str, chat: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A message in a topic; thread 0 is General. In a forum it mentions the bot."""
    message: dict[str, Any] = {"message_thread_id": thread, "is_topic_message": True} if thread else {}
    if chat is not None:
        name = stack.telegram.bot("assistant").username
        message |= {"chat": chat, "entities": [{"type": "mention", "offset": 0, "length": len(name) + 1}]}
        text = f"@{name} {text}"
    elif thread:
        stack.telegram.state.private_room(user.id, "assistant").topics[thread] = Topic(thread, "T")
    return message_update(user, text, **message)


def _asked(stack: Stack) -> list[str]:
    return [message["content"] for message in stack.ai.requests[-1]["messages"][1:]]


@pytest.mark.parametrize("is_forum", [False, True])
def test_topics_have_separate_conversations(stack: Stack, is_forum: bool) -> None:
    anna = started_user(stack.telegram)
    chat = _forum(anna) if is_forum else None
    for thread, word in ((7, "seven"), (8, "eight"), (0, "general")):
        stack.ai.next(AiBehaviour(text=f"answer {word}"))
        stack.telegram.deliver(_in(thread, stack, anna, word, chat))
        assert _asked(stack) == [word]
    for thread, word in ((7, "seven"), (8, "eight"), (0, "general")):
        stack.telegram.deliver(_in(thread, stack, anna, "more", chat))
        assert _asked(stack) == [word, f"answer {word}", "more"]


def test_the_answer_of_the_ai_stays_in_its_topic(stack: Stack) -> None:
    anna = started_user(stack.telegram)
    for thread in (7, 0):
        stack.telegram.deliver(_in(thread, stack, anna, "hello"))
        calls = [call for call in stack.telegram.calls if call["parameters"].get("chat_id") == anna.id]
        assert calls[-1]["parameters"].get("message_thread_id", 0) == thread


def test_mode_clear_and_edits_stay_in_their_topic(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram)
    first = _in(7, stack, anna, "seven")
    for update in (first, _in(8, stack, anna, "eight"), _in(8, stack, anna, "/clear")):
        stack.telegram.deliver(update)
    query = {"id": "71", "from": anna.account.json(), "chat_instance": "1", "data": "mode:code"}
    query["message"] = _in(8, stack, anna, "menu")["message"]
    stack.telegram.deliver({"update_id": new_update_id(), "callback_query": query})
    edited = {**first["message"], "text": "seven!", "edit_date": first["message"]["date"] + 1}
    stack.telegram.deliver({"update_id": new_update_id(), "edited_message": edited})
    rows = sql(
        "select m.thread_id, m.content from messages m join users u on u.id = m.user_id "
        "where u.telegram_id = %s and m.role = 'user'",
        anna.id,
    )
    assert rows == [{"thread_id": 7, "content": "seven!"}]
    modes = sql(
        "select s.thread_id, s.mode from bot_sessions s join users u on u.id = s.user_id "
        "where u.telegram_id = %s order by s.thread_id",
        anna.id,
    )
    assert modes == [{"thread_id": thread, "mode": "code" if thread == 8 else "chat"} for thread in (0, 7, 8)]


def test_a_thread_of_replies_is_no_topic(stack: Stack) -> None:
    anna = started_user(stack.telegram)
    for thread in (977, 978):
        update = _in(0, stack, anna, "hello", {**_forum(anna), "is_forum": False})
        update["message"]["message_thread_id"] = thread
        stack.telegram.deliver(update)
    assert len(_asked(stack)) == 3


def test_a_failure_message_stays_in_its_topic(stack: Stack) -> None:
    anna = started_user(stack.telegram, "second")
    update = _in(7, stack, anna, "/boom")
    answers = [stack.telegram.deliver(update, "second") for _ in range(3)]
    assert [answer.status for answer in answers] == [500, 500, 200]
    assert answers[-1].json()["message_thread_id"] == 7


def test_an_update_of_a_crashed_worker_is_finished_in_its_topic(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram)
    update = _in(7, stack, anna, "hello")
    stack.telegram.deliver(_in(7, stack, anna, "before"))
    sql(
        "insert into telegram_updates "
        "(bot, update_id, kind, status, chat_id, thread_id, user_id, payload, lease_until) "
        "select 'assistant', %s, 'message', 'working', %s, 7, id, %s::text::jsonb, "
        "now() - interval '5 minutes' from users where telegram_id = %s",
        update["update_id"],
        anna.id,
        json.dumps(update),
        anna.id,
    )
    stack.run_job("sweep")
    assert _asked(stack)[0] == "before"
    assert _asked(stack)[-1] == "hello"


LONG = "\n\n".join(f"**{number}** " + "word " * 700 for number in range(1, 4))


def _calls(stack: Stack, chat_id: int) -> list[tuple[int | None, bool]]:
    """The topic of each message sent to a chat, and whether it has entities."""
    return [
        (call["parameters"].get("message_thread_id"), "entities" in call["parameters"])
        for call in stack.telegram.calls
        if call["method"] == "sendMessage" and call["parameters"].get("chat_id") == chat_id
    ]


@pytest.mark.parametrize("reason", ["message thread not found", "TOPIC_DELETED"])
def test_an_answer_to_a_deleted_topic_is_sent_to_the_chat(stack: Stack, reason: str) -> None:
    anna = started_user(stack.telegram)
    stack.ai.next(AiBehaviour(text=LONG))
    stack.telegram.fail("sendMessage", 400, description=f"Bad Request: {reason}", chat_id=anna.id)
    printed = stack.function("telegram").printed
    stack.telegram.deliver(_in(7, stack, anna, "hello"))
    sent = _calls(stack, anna.id)[-4:]
    assert [thread for thread, _ in sent] == [7, None, 7, 7]
    assert all(has_styles for _, has_styles in sent), "the words are not to blame"
    assert not [line for line in stack.function("telegram").lines_after(printed) if "ALERT" in line]


def test_a_closed_topic_is_no_alarm(stack: Stack) -> None:
    anna = started_user(stack.telegram)
    chat = _forum(anna)
    stack.ai.next(AiBehaviour(text=LONG))
    stack.telegram.fail(
        "sendMessage", 400, description="Bad Request: TOPIC_CLOSED", chat_id=chat["id"], times=9
    )
    printed = stack.function("telegram").printed
    stack.telegram.deliver(_in(7, stack, anna, "hello", chat))
    assert _calls(stack, chat["id"]) == [(7, True)] * 3
    assert not [line for line in stack.function("telegram").lines_after(printed) if "ALERT" in line]
