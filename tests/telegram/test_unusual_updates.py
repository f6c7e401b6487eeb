"""Albums, groups that become supergroups, content newer than telebot, and removal from a group."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.support import (
    eventually,
    in_parallel,
    message_update,
    new_telegram_id,
    new_update_id,
    started_user,
)
from tools.emulator.stack import Stack
from tools.emulator.telegram.users import TelegramUser

Sql = Callable[..., list[dict[str, Any]]]
GROUP = {"id": -1001234588888, "type": "supergroup", "title": "Team"}
VIDEO = {"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1, "duration": 1}


def _without_text(user: TelegramUser, **message: Any) -> dict[str, Any]:
    update = message_update(user, "x", **message)
    del update["message"]["text"]
    return update


def _mention(
    stack: Stack, user: TelegramUser, words: str, chat: dict[str, Any], **message: Any
) -> dict[str, Any]:
    name = stack.telegram.bot("assistant").username
    entities = [{"type": "mention", "offset": 0, "length": len(name) + 1}]
    return message_update(user, f"@{name} {words}", chat=chat, entities=entities, **message)


@pytest.mark.parametrize(
    "more", [{}, {"forward_origin": {"type": "hidden_user", "date": 1, "sender_user_name": "x"}}]
)
def test_an_album_is_answered_once(stack: Stack, more: dict[str, Any]) -> None:
    anna = started_user(stack.telegram)
    items = [_without_text(anna, video=VIDEO, media_group_id="77", **more) for _ in range(3)]
    items[1]["message"]["caption"] = "What is this?"
    first = stack.telegram.deliver(items[0]).json()
    assert first["text"]
    assert stack.telegram.deliver(items[0]).json() == first  # a redelivery repeats the answer
    assert [stack.telegram.deliver(item).body for item in items[1:]] == [b"", b""]
    later = [_without_text(anna, video=VIDEO, media_group_id=group) for group in ("78", "78", "79")]
    assert [bool(stack.telegram.deliver(item).body) for item in later] == [True, False, True]
    assert stack.telegram.deliver(_without_text(anna, video=VIDEO)).body
    assert stack.telegram.deliver(_without_text(anna, video=VIDEO)).body


@pytest.mark.parametrize(
    "message",
    [
        {"reply_to_message": {"message_id": 1, "date": 1, "text": "a", "poll": {"hologram": 1}}},
        {"reply_to_message": {"message_id": 1, "chat": GROUP, "text": "a"}},
        {"reply_to_message": {"checklist": {"title": "x"}}},
        {"external_reply": {"origin": {"type": "hologram", "date": 1}}, "quote": {"text": "part"}},
        {"external_reply": {"origin": {"type": "user"}}},
        {"quote": {"text": "part", "position": 0, "entities": [{"type": "hologram", "new": 1}]}},
        {"quote": "part", "reply_markup": {"inline_keyboard": 5}},
        {"entities": [{"kind": "x"}], "link_preview_options": 5},
        {"paid_media": {"hologram": {}}, "reply_to_story": {}, "sender_business_bot": {"id": 5}},
    ],
)
def test_a_reply_or_quote_that_telebot_cannot_parse_is_answered(
    stack: Stack, message: dict[str, Any]
) -> None:
    anna = started_user(stack.telegram)
    assert stack.telegram.deliver(message_update(anna, "explain", **message)).status == 200
    assert len(stack.ai.requests) == 1
    assert stack.telegram.deliver(message_update(anna, "/help", **message)).json()["text"]


def test_a_button_under_a_message_of_a_new_kind_still_works(stack: Stack) -> None:
    anna = started_user(stack.telegram)
    shown = {**message_update(anna, "menu")["message"], "external_reply": {"origin": {"type": "hologram"}}}
    query = {"id": "77", "from": anna.account.json(), "chat_instance": "1", "data": "menu", "message": shown}
    response = stack.telegram.deliver({"update_id": new_update_id(), "callback_query": query})
    assert response.json()["method"] == "editMessageText"


def _notices(user: TelegramUser, old: dict[str, Any], new: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        _without_text(user, chat=old, migrate_to_chat_id=new["id"]),
        _without_text(user, chat=new, migrate_from_chat_id=old["id"]),
    ]


def _two_chats() -> tuple[dict[str, Any], dict[str, Any]]:
    number = new_telegram_id()
    return (
        {"id": -number, "type": "group", "title": "T"},
        {"id": -1_000_000_000_000 - number, "type": "supergroup", "title": "T"},
    )


def _sessions(sql: Sql, user: TelegramUser) -> list[dict[str, Any]]:
    return sql(
        "select s.chat_id, s.mode, s.session_data, s.stats_data from bot_sessions s "
        "join users u on u.id = s.user_id where u.telegram_id = %s and s.chat_id < 0",
        user.id,
    )


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0,), (1,), (0, 0, 1, 1)])
def test_a_group_that_becomes_a_supergroup_keeps_its_conversation(
    stack: Stack, sql: Sql, order: tuple[int, ...]
) -> None:
    anna, ben = started_user(stack.telegram), started_user(stack.telegram)
    old, new = _two_chats()
    for user in (anna, ben):
        stack.telegram.deliver(_mention(stack, user, f"I am {user.id}", old))
    notices = _notices(anna, old, new)
    for number in order:
        response = stack.telegram.deliver(notices[number])
        assert (response.status, response.body) == (200, b"")
    for user in (anna, ben):
        stack.telegram.deliver(_mention(stack, user, "who am I?", new))
        asked = [m["content"] for m in stack.ai.requests[-1]["messages"][1:]]
        assert asked[0] == f"I am {user.id}"
        assert asked[-1] == "who am I?"
        assert len(asked) == 3
        [session] = _sessions(sql, user)
        assert (session["chat_id"], session["stats_data"]) == (new["id"], {"requests": 2})


@pytest.mark.parametrize("sender", [None, {"id": 1087968824, "is_bot": True, "first_name": "Group"}])
def test_a_migration_without_a_sender_is_processed(
    stack: Stack, sql: Sql, sender: dict[str, Any] | None
) -> None:
    anna = started_user(stack.telegram)
    old, new = _two_chats()
    stack.telegram.deliver(_mention(stack, anna, "hello", old))
    notice = _notices(anna, old, new)[0]
    notice["message"]["from"] = sender
    if sender is None:
        del notice["message"]["from"]
    assert stack.telegram.deliver(notice).status == 200
    assert [session["chat_id"] for session in _sessions(sql, anna)] == [new["id"]]


def test_a_session_begun_in_the_supergroup_first_is_merged(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram)
    old, new = _two_chats()
    name = stack.telegram.bot("second").username
    for chat, command in (
        (old, f"/mode@{name} code"),
        (old, f"/data@{name} a=old"),
        (old, f"/data@{name} b=old"),
        (new, f"/data@{name} b=new"),
    ):
        stack.telegram.deliver(message_update(anna, command, chat=chat), "second")
    for notice in _notices(anna, old, new):
        stack.telegram.deliver(notice, "second")
    [session] = _sessions(sql, anna)
    assert (session["chat_id"], session["mode"]) == (new["id"], "code")
    assert session["session_data"] == {"a": "old", "b": "new"}


def test_a_migration_during_a_question_loses_nothing(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram)
    old, new = _two_chats()
    notices = _notices(anna, old, new)
    update = _mention(stack, anna, "hello", old)

    def work(number: int) -> int:
        if number:
            time.sleep(0.02 * number)
            return stack.telegram.deliver(notices[number % 2]).status
        return stack.telegram.deliver(update).status

    assert set(in_parallel(6, work)) == {200}
    rows = sql(
        "select m.chat_id from messages m join users u on u.id = m.user_id where u.telegram_id = %s", anna.id
    )
    assert [row["chat_id"] for row in rows] == [new["id"]] * 2


@pytest.mark.parametrize("value", ["x", {}, [1], 1.5, True, 2**70])
def test_a_migration_of_a_wrong_type_is_dead_lettered(stack: Stack, sql: Sql, value: Any) -> None:
    update = _notices(started_user(stack.telegram), *_two_chats())[0]
    update["message"]["migrate_to_chat_id"] = value
    assert stack.telegram.deliver(update).status == 200
    rows = sql("select status from telegram_updates where update_id = %s", update["update_id"])
    assert rows == [{"status": "dead_lettered"}]


def test_removal_from_a_group_does_not_deactivate_the_user(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram)
    me = {"id": 42, "is_bot": True, "first_name": "b"}
    gone = "Forbidden: bot was kicked from the supergroup chat"
    stack.telegram.fail("sendMessage", 403, description=gone, times=1)
    stack.telegram.deliver(_mention(stack, anna, "hello", GROUP))
    for status in ("kicked", "left"):
        change = {
            "chat": GROUP,
            "from": anna.account.json(),
            "date": int(time.time()),
            "old_chat_member": {"user": me, "status": "member"},
            "new_chat_member": {"user": me, "status": status, "until_date": 0},
        }
        assert stack.telegram.deliver({"update_id": new_update_id(), "my_chat_member": change}).status == 200
    active = "select is_active from users where telegram_id = %s"
    assert sql(active, anna.id) == [{"is_active": True}]
    change = {**change, "chat": {"id": anna.id, "type": "private"}}
    change["new_chat_member"] = {"user": me, "status": "kicked", "until_date": 0}
    stack.telegram.deliver({"update_id": new_update_id(), "my_chat_member": change})
    assert eventually(lambda: sql(active, anna.id) == [{"is_active": False}])


@pytest.mark.parametrize(
    "content",
    [
        {"live_photo": {"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1, "duration": 1}},
        {"checklist": {"title": "x", "tasks": [{"id": 1, "text": "y"}]}},
        {"paid_media": {"star_count": 1, "paid_media": []}},
    ],
)
def test_unknown_content_types_get_a_reply(stack: Stack, content: dict[str, Any]) -> None:
    anna = started_user(stack.telegram)
    assert stack.telegram.deliver(_without_text(anna, **content)).json()["text"]


@pytest.mark.parametrize(
    "service", [{"checklist_tasks_done": {"marked_as_done_task_ids": [1]}}, {"hologram": {}}]
)
def test_service_messages_get_no_reply(stack: Stack, service: dict[str, Any]) -> None:
    anna = started_user(stack.telegram)
    response = stack.telegram.deliver(_without_text(anna, **service))
    assert (response.status, response.body) == (200, b"")
