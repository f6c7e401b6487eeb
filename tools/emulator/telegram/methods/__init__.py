"""The Bot API's methods, one file for each subject; importing this registers them."""

from tools.emulator.telegram.methods import (
    callbacks,
    chats,
    drafts,
    editing,
    media,
    messages,
    payments,
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
    "media",
    "messages",
    "payments",
    "profile",
    "reactions",
    "topics",
    "webhooks",
]
