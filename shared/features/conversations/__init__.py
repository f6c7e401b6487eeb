"""Conversations with the AI: several with names, each with a model and instructions of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.telegram.feature import Command, Feature

if TYPE_CHECKING:
    from shared.core.texts import Text
    from shared.telegram.context import UpdateContext

_ASKS = re.compile(r"\s{0,8}+(?:(?:please|пожалуйста),?\s{1,8}+)?(?:remember|запомни)", re.IGNORECASE)

feature = Feature(
    __name__,
    commands=(
        Command("new", "chat"),
        Command("chats", "chat"),
        Command("model", "chat"),
        Command("prompt", "chat"),
        Command("memory", "chat"),
        Command("export", "chat"),
    ),
    buttons=("chatexport", "chatfile", "chats", "chatshare", "memory", "model", "prompt"),
    states=("chatfile", "chats", "memory", "prompt"),
)


def chosen_model(context: UpdateContext) -> tuple[str, str] | None:
    """Return provider and model that the user chose for this conversation; None: the standard one."""
    if context.conversation is None or context.conversation.model is None:
        return None
    from shared.features.conversations import choices

    return choices.usable(context, context.conversation)


def model_notice(context: UpdateContext) -> Text | None:
    """Return what to say, once, where the chosen model cannot be used anymore; it is given up."""
    if context.conversation is None or context.conversation.model is None or chosen_model(context):
        return None
    context.drop_model()
    return context.rich("model_dropped")


def setup_of(context: UpdateContext) -> str:
    """Return what the user has set up for this conversation, for the AI; empty where it is nothing."""
    if context.conversation is None and not context.memory:
        return ""
    from shared.features.conversations import setup

    return setup.describe(context.conversation, context.memory)


def remembers(context: UpdateContext, words: str) -> bool:
    """Store the fact of a text that asks to remember one, and answer it; return False for any other text."""
    if not _ASKS.match(words):
        return False
    from shared.features.conversations import facts

    return facts.take(context, words)
