"""The bot behind the pages: it logs users in, sells to them, and their links lead to it."""

from __future__ import annotations

from functools import lru_cache

from shared.core.config import settings
from shared.core.errors import TelegramError
from shared.telegram import configured


def name() -> str:
    """Return its name: LOGIN_BOT, else the first of BOT_TOKENS."""
    return settings().login_bot or next(iter(settings().bot_tokens))


def link(payload: str) -> str:
    """Return the link that opens the bot with a payload.

    Raises:
        TelegramError: its username is unknown and cannot be read.
    """
    return f"{chat(username())}?start={payload}"


def chat(username: str) -> str:
    """Return the address of the chat with a bot."""
    return f"{settings().telegram_link_url}/{username}"


def address_with(command: str) -> str:
    """Return the address of the first bot with a command; empty if none has it, or its name is unknown."""
    found = configured.with_command(command)
    try:
        return chat(username(found[0])) if found else ""
    except TelegramError:
        return ""


@lru_cache(maxsize=16)
def username(bot: str = "") -> str:
    """Return the username of a bot, by default of the one behind the pages.

    Raises:
        TelegramError: it cannot be read.
    """
    from shared.telegram import api  # imports telebot, which most pages do not need

    found: str = api.call(bot or name(), "getMe", {})["username"]
    return found
