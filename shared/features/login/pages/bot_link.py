"""Where the login through the bot leads."""

from __future__ import annotations

from functools import lru_cache

from shared.features.login.pages import choice

START = "login_"


def link(token: str) -> str:
    """Return the link that opens the bot with a login.

    Raises:
        TelegramError: the bot's username is unknown and cannot be read.
    """
    return f"https://t.me/{_username()}?start={START}{token}"


@lru_cache(maxsize=1)
def _username() -> str:
    """Return the username of the bot that logs users in."""
    from shared.telegram import api  # imports telebot, which the other pages do not need

    username: str = api.call(choice.bot_name(), "getMe", {})["username"]
    return username
