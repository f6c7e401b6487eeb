"""Which addresses Telegram takes in a link: one that it refuses fails the whole message."""

from __future__ import annotations

import re

_MAX_ADDRESS = 2048  # characters

_HTTP = re.compile(
    r"https?://[\w-]+(?:\.[\w-]+)+\.?(?::[1-9]\d{0,3}|:[1-5]\d{4})?(?:[/?#]\S*)?", re.IGNORECASE
)
# A link to a person by id fails the whole message when the bot does not know that person.
_TELEGRAM = re.compile(r"tg://(?!user\b)[\w-]+(?:[/?]\S*)?", re.IGNORECASE | re.ASCII)
_MAIL_OR_PHONE = re.compile(r"(?:mailto|tel):([^?\s]+)(?:\?\S*)?", re.IGNORECASE)


def link_target(address: str) -> str:
    """Return the address as Telegram takes it in a link, or an empty string."""
    address = address.strip().replace(" ", "%20")
    accepted = len(address) <= _MAX_ADDRESS and (_HTTP.fullmatch(address) or _TELEGRAM.fullmatch(address))
    return address if accepted else ""


def link_note(address: str) -> str:
    """Return what to show of an address that cannot be a link: all of it, but a place in the answer itself.

    Telegram finds e-mails and phones without their scheme.
    """
    address = address.strip()
    match = _MAIL_OR_PHONE.fullmatch(address)
    return match[1] if match else address if not address.startswith("#") else ""
