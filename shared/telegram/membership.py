"""Whether somebody is in a channel or group, as Telegram says it now."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from shared.core.display_names import display_name
from shared.core.errors import TelegramError
from shared.telegram import api

TIMEOUT = 4.0  # seconds for one question
_INSIDE = ("creator", "administrator", "member")
# What Telegram answers about somebody whom the chat has never seen.
_NEVER_SEEN = re.compile(r"user not found|PARTICIPANT_ID_INVALID", re.IGNORECASE)


class Channel(NamedTuple):
    """A channel or group. `link` lets people in; it is empty where Telegram tells the bot none."""

    id: int
    title: str
    link: str


def channel_of(bot: str, chat: str) -> Channel:
    """Return the channel `chat`, a @username or an id.

    Raises:
        TelegramError: there is none that the bot may see, or no answer.
    """
    told = api.call(bot, "getChat", {"chat_id": chat}, timeout=TIMEOUT)
    username = told.get("username")
    link = f"https://t.me/{username}" if username else str(told.get("invite_link") or "")
    return Channel(int(told["id"]), display_name(told.get("title")) or username or chat, link)


def is_member(bot: str, channel_id: int, telegram_id: int) -> bool:
    """Whether somebody is in a channel or group: not who left, was thrown out or never came.

    Raises:
        TelegramError: Telegram does not say; with 400 and 403 because the bot is no administrator there.
    """
    question = {"chat_id": channel_id, "user_id": telegram_id}
    try:
        member: dict[str, Any] = api.call(bot, "getChatMember", question, timeout=TIMEOUT)
    except TelegramError as error:
        if error.status == 400 and _NEVER_SEEN.search(error.description):
            return False
        raise
    status = member.get("status")
    return status in _INSIDE or (status == "restricted" and member.get("is_member") is True)
