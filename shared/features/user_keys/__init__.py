"""A user's own API keys of AI providers. Requests on an own key do not use the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.telegram.feature import Command, Feature

if TYPE_CHECKING:
    from shared.telegram.context import UpdateContext
    from shared.telegram.messages import Keyboard

feature = Feature(
    __name__,
    commands=(Command("keys", "chat", needs="encryption"),),
    buttons=("keys",),
    states=("key",),
)


def offer(context: UpdateContext) -> Keyboard | None:
    """Return a button to store the key that a message plainly holds; the key itself must be sent again."""
    from shared.features.user_keys import handlers

    return handlers.offer(context) if context.bot.has_command("keys") else None
