"""The updates that are posted: in Telegram's form, each with a number and a user of its own."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from typing import Any

USERS = 2_000
FIRST_USER = 5_000_000_000  # their Telegram ids; above what fits 32 bits, as new accounts are
SECRET = "the-secret-of-the-bench"  # noqa: S105 - of a database that lives for minutes
_numbers = itertools.count(700_000_000)  # increasing through all of a run, as update ids are
_TEXT = "Подскажи, пожалуйста, как лучше всего хранить свежую зелень?"
_HEAD = (
    "POST /assistant HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    f"X-Telegram-Bot-Api-Secret-Token: {SECRET}\r\nContent-Length: "
)


def next_number() -> int:
    """Return an update_id that no other update of this run has."""
    return next(_numbers)


def requests(kind: str) -> Iterator[bytes]:
    """Yield HTTP requests without end; `kind` is command, usage, button or chat. Users take turns."""
    before, after = json.dumps(_update(kind), ensure_ascii=False).split("8888888888")
    before, after = before.replace("%", "%%"), after.replace("%", "%%")
    template = f"{before}%(number)d{after}".replace("7777777777", "%(user)d")
    for number in _numbers:
        body = (template % {"number": number, "user": FIRST_USER + number % USERS}).encode()
        yield f"{_HEAD}{len(body)}\r\n\r\n".encode() + body


def _update(kind: str) -> dict[str, Any]:
    """Return an update with 8888888888 for its number and 7777777777 for the user."""
    user = {
        "id": 7777777777,
        "is_bot": False,
        "first_name": "Мария",
        "last_name": "Иванова",
        "username": "maria_ivanova",
        "language_code": "ru",
    }
    chat = {"id": 7777777777, "first_name": "Мария", "last_name": "Иванова", "type": "private"}
    message = {"message_id": 4321, "from": user, "chat": chat, "date": int(time.time())}
    if kind == "chat":
        return {"update_id": 8888888888, "message": message | {"text": _TEXT}}
    if kind in ("command", "usage"):
        text = "/profile" if kind == "command" else "/usage"
        command = {"text": text, "entities": [{"offset": 0, "length": len(text), "type": "bot_command"}]}
        return {"update_id": 8888888888, "message": message | command}
    menu = message | {"from": {"id": 1, "is_bot": True, "first_name": "Bot"}, "text": "Меню"}
    query = {"id": "4382bfdwdsb323b2d9", "from": user, "message": menu, "data": "profile"}
    return {"update_id": 8888888888, "callback_query": query | {"chat_instance": "-81234567890"}}
