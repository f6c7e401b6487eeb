"""The modes of the session in which something is made; imports the rest when it is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from shared.features.common.media.kinds import KINDS, MediaKind

if TYPE_CHECKING:
    from shared.telegram.context import UpdateContext


def take_text(context: UpdateContext, kind: MediaKind, words: str) -> None:
    """Make what a text in a mode of this kind describes."""
    from shared.features.common.media import input_messages

    input_messages.take_text(context, kind, words)


def take_pictures(context: UpdateContext, kind: MediaKind, file_ids: Iterable[str], words: str) -> None:
    """Work from pictures that were sent, as the words say."""
    from shared.features.common.media import input_messages

    input_messages.take_pictures(context, kind, tuple(file_ids), words)


def take_voice(context: UpdateContext, kind: MediaKind, spoken: str) -> None:
    """Make what a voice message and its caption describe."""
    from shared.features.common.media import input_messages

    input_messages.take_voice(context, kind, spoken)


def mode_titles(context: UpdateContext) -> dict[str, tuple[str, str]]:
    """Return title and description by mode of the session, of the kinds that can be made here."""
    kinds = [one for one in KINDS if context.bot.has_command(one.name) and not context.is_offline]
    if not kinds:
        return {}
    from shared.features.common.media import catalog

    return {
        kind.prefix + mode.key: (
            f"{kind.emoji} {mode.title(context.language)}",
            mode.description(context.language),
        )
        for kind in kinds
        for mode in catalog.modes(kind)
    }


def includes(context: UpdateContext, kind: MediaKind, session_mode: str) -> bool:
    """Return whether the user's plan includes a mode of `mode_titles`."""
    from shared.features.common.media import catalog

    mode = catalog.find(kind, session_mode.removeprefix(kind.prefix))
    return mode is not None and catalog.is_included(context, mode)
