"""Fields that are missing or of a wrong type: the update is handled or dead-lettered, never a 500."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import message_update, new_update_id, started_user
from tools.emulator.stack import Stack
from tools.emulator.telegram.users import TelegramUser

WRONG: list[Any] = [None, "x", 5, -1.5, 2**70, True, [], [None], {}, {"id": "x"}]
MISSING = object()
Path = tuple[str | int, ...]


def _message(user: TelegramUser, chat: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = message_update(
        user,
        "/help",
        chat=chat,
        message_thread_id=7,
        is_topic_message=True,
        reply_to_message={
            "message_id": 3,
            "date": 1,
            "chat": chat,
            "text": "before",
            "from": {"id": 5, "is_bot": False, "first_name": "B"},
        },
        quote={"text": "fore", "position": 2},
        external_reply={"origin": {"type": "hidden_user", "date": 1, "sender_user_name": "x"}},
        edit_date=int(time.time()),
    )["message"]
    return message


def _updates(user: TelegramUser) -> dict[str, dict[str, Any]]:
    private = {"id": user.id, "type": "private"}
    group = {"id": -1001234577777, "type": "supergroup", "title": "Team"}
    sender, me = user.account.json(), {"id": 42, "is_bot": True, "first_name": "b"}
    message = _message(user, private)
    photo = {**message, "photo": [{"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1}]}
    photo |= {"caption": "x", "caption_entities": [], "media_group_id": "7"}
    del photo["text"], photo["entities"]
    return {
        "private": {"message": message},
        "question": {
            "message": {**message, "text": "hello", "entities": [{"type": "bold", "offset": 0, "length": 1}]}
        },
        "group": {"message": _message(user, group)},
        "photo": {"message": photo},
        "edit": {"edited_message": {**message, "text": "hello"}},
        "button": {
            "callback_query": {
                "id": "7",
                "from": sender,
                "chat_instance": "1",
                "data": "menu",
                "message": {**message, "text": "menu"},
            }
        },
        "member": {
            "my_chat_member": {
                "chat": private,
                "from": sender,
                "date": 1,
                "old_chat_member": {"user": me, "status": "member"},
                "new_chat_member": {"user": me, "status": "member"},
            }
        },
    }


def _paths(value: Any, path: Path = ()) -> Iterator[Path]:
    entries: Any = ()
    if isinstance(value, dict):
        entries = value.items()
    elif isinstance(value, list):
        entries = enumerate(value)
    for key, inner in entries:
        yield (*path, key)
        yield from _paths(inner, (*path, key))


def _changed(update: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(update)
    place: Any = changed
    for key in path[:-1]:
        place = place[key]
    if value is MISSING:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return {"update_id": new_update_id(), **changed}


@pytest.mark.parametrize("name", ["private", "question", "group", "photo", "edit", "button", "member"])
def test_a_field_of_a_wrong_type_causes_no_500(stack: Stack, name: str) -> None:
    anna = started_user(stack.telegram)
    update = _updates(anna)[name]
    odd = {}
    for row, path in enumerate(_paths(update)):
        for column, value in enumerate((MISSING, *WRONG)):
            if (row + column) % 3 and not os.environ.get("THOROUGH"):
                continue  # all fields and all values
            body = _changed(update, path, value)
            status = stack.telegram.deliver(body).status
            if status != 200:
                odd[(path, "missing" if value is MISSING else repr(value))] = status
    assert odd == {}
    assert stack.telegram.deliver(message_update(anna, "/help")).json()["text"]
