"""Which addresses Telegram takes in a link: one that it refuses fails the whole message."""

from __future__ import annotations

import re

_MAX_ADDRESS = 2048  # characters

_HTTP = re.compile(
    r"https?://[\w-]+(?:\.[\w-]+)+\.?(?::[1-9]\d{0,3}|:[1-5]\d{4})?(?:[/?#]\S*)?", re.IGNORECASE
)
# A link to a person by id fails the whole message when the bot does not know that person.
_TELEGRAM = re.compile(r"tg://(?!user\b)[\w-]+(?:[/?]\S*)?", re.IGNORECASE | re.ASCII)
_SHOWN = re.compile(r"(?:mailto|tel):([^?\s]+)(?:\?\S*)?|(https?://\S+)", re.IGNORECASE)


def link_target(address: str) -> str:
    """Return the address as Telegram takes it in a link, or an empty string."""
    address = address.strip().replace(" ", "%20")
    accepted = len(address) <= _MAX_ADDRESS and (_HTTP.fullmatch(address) or _TELEGRAM.fullmatch(address))
    return address if accepted else ""


def link_note(address: str) -> str:
    """Return what to show of an address that cannot be a link: Telegram finds e-mails and phones itself."""
    match = _SHOWN.fullmatch(address.strip())
    return (match[1] or match[2]) if match else ""
