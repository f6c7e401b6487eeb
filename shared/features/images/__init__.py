"""Pictures: made from a description, and edited (docs/images.md)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from shared.telegram.feature import Command, Feature

if TYPE_CHECKING:
    from shared.telegram.context import UpdateContext

PREFIX = "image:"  # begins the session's mode, before the key of public.ai_modes, in which texts are prompts

feature = Feature(
    __name__,
    commands=(Command("image", "chat", needs="images"), Command("images", "chat", needs="images")),
    buttons=("image", "images"),
    states=("image",),
)


def is_in_mode(context: UpdateContext) -> bool:
    """Return whether the session makes a picture of each text."""
    return context.mode.startswith(PREFIX)


def take_text(context: UpdateContext, words: str) -> None:
    """Draw what a text in a mode of pictures describes."""
    from shared.features.images import input_messages

    input_messages.take_text(context, words)


def is_captioned(context: UpdateContext) -> bool:
    """Return whether a picture that was sent is to be edited: by its caption, or by the mode."""
    return is_in_mode(context) or (
        context.update.command == "image"
        and not context.update.is_relayed
        and context.bot.has_command("image")
    )


def take_pictures(context: UpdateContext, file_ids: Iterable[str], words: str) -> None:
    """Edit pictures that were sent, as the words say."""
    from shared.features.images import input_messages

    input_messages.take_pictures(context, tuple(file_ids), words)


def mode_titles(context: UpdateContext) -> dict[str, tuple[str, str]]:
    """Return title and description by mode of the session; none where no pictures are made."""
    if not context.bot.has_command("image") or context.is_offline:
        return {}
    from shared.features.images import catalog

    return {
        PREFIX + mode.key: (f"🎨 {mode.title(context.language)}", mode.description(context.language))
        for mode in catalog.modes()
    }


def includes(context: UpdateContext, session_mode: str) -> bool:
    """Return whether the user's plan includes a mode of `mode_titles`."""
    from shared.features.images import catalog

    mode = catalog.find(session_mode.removeprefix(PREFIX))
    return mode is not None and catalog.is_included(context, mode)
