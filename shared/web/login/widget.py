"""The Login Widget, which Telegram keeps for pages that have it (core.telegram.org/widgets/login-legacy)."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

from shared.web.login import fields
from shared.web.login.identity import LoginRefused, TelegramIdentity, identity

MAX_AGE = timedelta(minutes=10)
MAX_LENGTH = 4_000  # characters


def check(query: str, bot_token: str, max_age: timedelta = MAX_AGE) -> TelegramIdentity:
    """Return who logged in with the widget.

    Args:
        query: the query string as it came, with fields of Telegram alone: each of them is signed, and those
            without a value are absent.

    Raises:
        LoginRefused: it is forged, malformed or too old.
    """
    if not bot_token:  # anyone could sign with an empty key
        raise LoginRefused("no such bot")
    found = fields.parse(query, MAX_LENGTH)
    fields.verify(found, sha256(bot_token.encode()).digest(), max_age)
    return identity(found.get("id"), found)
