"""Checks which URLs Telegram accepts in a link; a rejected one fails the whole message."""

from __future__ import annotations

import re

_MAX_ADDRESS = 2048  # characters

_HTTP = re.compile(
    r"https?://[\w-]+(?:\.[\w-]+)+\.?(?::[1-9]\d{0,3}|:[1-5]\d{4})?(?:[/?#]\S*)?", re.IGNORECASE
)
# A link to a user by id fails the whole message if the bot has never met that user.
_TELEGRAM = re.compile(r"tg://(?!user\b)[\w-]+(?:[/?]\S*)?", re.IGNORECASE | re.ASCII)
_MAIL_OR_PHONE = re.compile(r"(?:mailto|tel):([^?\s]+)(?:\?\S*)?", re.IGNORECASE)


def link_target(address: str) -> str:
    """Return the URL as Telegram accepts it in a link, or an empty string."""
    address = address.strip().replace(" ", "%20")
    accepted = len(address) <= _MAX_ADDRESS and (_HTTP.fullmatch(address) or _TELEGRAM.fullmatch(address))
    return address if accepted else ""


def link_note(address: str) -> str:
    """Return the text to show for a URL that cannot be a link; empty for an anchor within the answer.

    E-mail addresses and phone numbers lose their scheme, because Telegram detects them without it.
    """
    address = address.strip()
    match = _MAIL_OR_PHONE.fullmatch(address)
    return match[1] if match else address if not address.startswith("#") else ""
