"""Checks the membership of users in a channel or group."""

from __future__ import annotations

import re
from typing import NamedTuple

from shared.core.display_names import display_name
from shared.core.errors import TelegramError
from shared.core.json_types import JsonObject
from shared.telegram import api

TIMEOUT = 4.0  # seconds for a call
_INSIDE = ("creator", "administrator", "member")
# Error descriptions for a user who was never in the chat.
_NEVER_SEEN = re.compile(r"user not found|PARTICIPANT_ID_INVALID", re.IGNORECASE)


class Channel(NamedTuple):
    """A channel or group. `link` is its public or invite link; empty if the bot may not see one."""

    id: int
    title: str
    link: str


def channel_of(bot: str, chat: str) -> Channel:
    """Return the channel `chat`, a @username or an id.

    Raises:
        TelegramError: the bot cannot see the chat, or Telegram did not respond.
    """
    found = api.call(bot, "getChat", {"chat_id": chat}, timeout=TIMEOUT)
    username = found.get("username")
    link = f"https://t.me/{username}" if username else str(found.get("invite_link") or "")
    return Channel(int(found["id"]), display_name(found.get("title")) or username or chat, link)


def is_member(bot: str, channel: int | str, telegram_id: int) -> bool:
    """Return whether the user is a member; False for users who left, were removed or never joined.

    Raises:
        TelegramError: the check failed; with 400 or 403, the bot is not an administrator of the chat.
    """
    member = _member(bot, channel, telegram_id)
    status = member.get("status")
    return status in _INSIDE or (status == "restricted" and member.get("is_member") is True)


def is_administrator(bot: str, chat_id: int, telegram_id: int) -> bool:
    """Return whether the user is an administrator of a group.

    Raises:
        TelegramError: the check failed.
    """
    return _member(bot, chat_id, telegram_id).get("status") in ("creator", "administrator")


def _member(bot: str, chat_id: int | str, telegram_id: int) -> JsonObject:
    """Return a member of a chat (getChatMember); empty for a user who was never in it."""
    parameters = {"chat_id": chat_id, "user_id": telegram_id}
    try:
        member: JsonObject = api.call(bot, "getChatMember", parameters, timeout=TIMEOUT)
    except TelegramError as error:
        if error.status == 400 and _NEVER_SEEN.search(error.description):
            return {}
        raise
    return member
