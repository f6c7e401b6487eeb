"""The invite link of a user, and its picture."""

from __future__ import annotations

from io import BytesIO
from typing import Literal
from urllib.parse import urlencode

from shared.features.common.menu import REFERRAL


def link(username: str, code: str) -> str:
    """Return the link that opens a bot with the user's referral code."""
    return f"https://t.me/{username}?start={REFERRAL}{code}"


def share_link(link: str, words: str) -> str:
    """Return the link that opens Telegram's choice of a chat to send `link` to."""
    return f"https://t.me/share/url?{urlencode({'url': link, 'text': words})}"


def picture(link: str, kind: Literal["png", "svg"]) -> bytes:
    """Return the QR code of a link, which a phone reads from another screen."""
    import segno  # takes 10 ms to import

    content = BytesIO()
    segno.make(link, error="m").save(content, kind=kind, scale=12, border=3, light="white")
    return content.getvalue()
