"""Prompts and pictures that users send in a mode of a kind, or with its command."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from shared.core import user_input
from shared.features.common.media import making, wishes
from shared.telegram import reply, waits

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject
    from shared.features.common.media.kinds import MediaKind
    from shared.telegram.context import UpdateContext


def take_command(context: UpdateContext, kind: MediaKind) -> None:
    """Make what follows the command; with a reply to a picture, from that."""
    words = user_input.command_argument(context.bot.without_mention(context.update))
    making.make(context, kind, words, _replied(context))


def take_text(context: UpdateContext, kind: MediaKind, words: str) -> None:
    """Make what a text says; from the picture that it replies to, or the one that was sent before it."""
    if context.update.kind == "edited_message":
        return reply(context.rich(kind.key("edited")))
    if "reply_to_message" in context.update.message:
        words = context.bot.without_mention(context.update)  # without the quoted message
    return making.make(context, kind, words, _replied(context) or _kept(context, kind))


def take_voice(context: UpdateContext, kind: MediaKind, spoken: str) -> None:
    """Make what a voice message says behind its caption; from the picture that it replies to."""
    making.make(
        context,
        kind,
        f"{_caption(context, kind)}\n\n{spoken}".strip(),
        _replied(context) or _kept(context, kind),
    )


def _kept(context: UpdateContext, kind: MediaKind) -> list[JsonObject]:
    """Return the pictures that were sent without words, while these are awaited."""
    kept = context.data.get(kind.key(wishes.REFERENCES)) if waits.current(context) == kind.name else None
    return kept if isinstance(kept, list) else []


def take_pictures(context: UpdateContext, kind: MediaKind, file_ids: Sequence[str], words: str) -> None:
    """Work from pictures as their caption says; without one, ask what to do."""
    if context.update.command == kind.name or "reply_to_message" in context.update.message:
        words = _caption(context, kind)  # without the quoted message
    making.make(context, kind, words, [{"file_id": one} for one in file_ids])


def _caption(context: UpdateContext, kind: MediaKind) -> str:
    caption = context.bot.without_mention(context.update)
    return user_input.command_argument(caption) if context.update.command == kind.name else caption


def _replied(context: UpdateContext) -> list[JsonObject]:
    """Return the picture of the message replied to."""
    original = context.update.message.get("reply_to_message")
    if not isinstance(original, dict):
        return []
    sizes, document = original.get("photo"), original.get("document")
    if isinstance(sizes, list) and sizes and isinstance(sizes[-1], dict):
        return [{"file_id": str(sizes[-1].get("file_id"))}]
    if isinstance(document, dict) and str(document.get("mime_type")).startswith("image/"):
        return [{"file_id": str(document.get("file_id"))}]
    return []
