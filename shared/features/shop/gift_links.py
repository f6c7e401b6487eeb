"""The links that give a plan, for the chat and for the page."""

from __future__ import annotations

from urllib.parse import urlencode

LINK = "gift_"  # begins the payload of the link


def link(chat: str, token: str) -> str:
    """Return the link of a gift; `chat` is the address of the bot."""
    return f"{chat}?start={LINK}{token}"


def share_link(address: str, words: str) -> str:
    """Return the link that opens Telegram's choice of a chat to send a gift to."""
    return f"https://t.me/share/url?{urlencode({'url': address, 'text': words})}"
