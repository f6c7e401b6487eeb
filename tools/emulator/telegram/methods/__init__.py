"""The Bot API's methods, one module for each group; importing this package registers them."""

from tools.emulator.telegram.methods import (
    callbacks,
    chats,
    drafts,
    editing,
    inline,
    media,
    messages,
    payments,
    polls,
    profile,
    reactions,
    topics,
    webhooks,
)

__all__ = [
    "callbacks",
    "chats",
    "drafts",
    "editing",
    "inline",
    "media",
    "messages",
    "payments",
    "polls",
    "profile",
    "reactions",
    "topics",
    "webhooks",
]
