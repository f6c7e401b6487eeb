"""The bot behind the pages: it logs users in, sells to them, and their links lead to it."""

from __future__ import annotations

from functools import lru_cache

from shared.core.config import settings


def name() -> str:
    """Return its name: LOGIN_BOT, else the first of BOT_TOKENS."""
    return settings().login_bot or next(iter(settings().bot_tokens))


def link(payload: str) -> str:
    """Return the link that opens the bot with a payload.

    Raises:
        TelegramError: its username is unknown and cannot be read.
    """
    return f"https://t.me/{username()}?start={payload}"


@lru_cache(maxsize=1)
def username() -> str:
    """Return its username.

    Raises:
        TelegramError: it cannot be read.
    """
    from shared.telegram import api  # imports telebot, which most pages do not need

    found: str = api.call(name(), "getMe", {})["username"]
    return found
