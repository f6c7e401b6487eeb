"""initData of a Mini App (core.telegram.org/bots/webapps#validating-data-received-via-the-mini-app)."""

from __future__ import annotations

from datetime import timedelta

import orjson

from shared.core.signatures import hmac_sha256
from shared.web.login import fields
from shared.web.login.identity import LoginRefused, TelegramIdentity, identity

MAX_AGE = timedelta(hours=1)  # Telegram sets no limit; a session takes over from here
MAX_LENGTH = 8_000  # characters; 500 to 1,500 are usual


def check(raw: str, bot_token: str, max_age: timedelta = MAX_AGE) -> TelegramIdentity:
    """Return who opened the Mini App of a bot.

    Args:
        raw: the text exactly as the Mini App received it. Rewritten JSON has another order of keys and would
            not match.
        bot_token: of the Mini App’s bot; what Telegram signed for another bot does not match.

    Raises:
        LoginRefused: it is forged, malformed or too old, or names no user.
    """
    if not bot_token:  # anyone could sign with an empty key
        raise LoginRefused("no such bot")
    found = fields.parse(raw, MAX_LENGTH)
    # `signature`, the Ed25519 form for third parties, is one of the signed fields here.
    fields.verify(found, hmac_sha256("WebAppData", bot_token.encode()), max_age)
    try:
        user = orjson.loads(found.get("user", ""))
    except orjson.JSONDecodeError:
        raise LoginRefused("no user") from None
    if not isinstance(user, dict) or user.get("is_bot"):
        raise LoginRefused("no user")
    return identity(user.get("id"), user)
