"""Says which features' handlers a fresh process has imported after one update; for a process of its own."""

from __future__ import annotations

import sys
from typing import Any

from shared import bots
from shared.telegram.selection import may_answer
from shared.telegram.update import Update


def loaded(update: str) -> list[str]:
    """Return the names of the features whose handlers are imported after an update.

    Args:
        update: the text of a message, `tap` and callback data, or `start` for no update.
    """
    bot = bots.load("assistant")
    if update != "start":
        for feature in bot.features:
            if not feature.admin_only and may_answer(feature, _update(update), ""):
                _ = feature.router
    names = (name.split(".") for name in sys.modules)
    return [parts[2] for parts in names if parts[:2] == ["shared", "features"] and parts[3:] == ["handlers"]]


def _update(update: str) -> Update:
    chat: dict[str, Any] = {"id": 1, "type": "private"}
    if update.startswith("tap "):
        content: dict[str, Any] = {"data": update[4:], "message": {"message_id": 1, "chat": chat}}
        return Update("assistant", 1, "callback_query", {"callback_query": content})
    return Update("assistant", 1, "message", {"message": {"message_id": 1, "chat": chat, "text": update}})
