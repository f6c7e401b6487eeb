"""What concerns one person alone is shown to them alone."""

from __future__ import annotations

from shared.bots.assistant import bot
from shared.telegram.unit import StateUnavailable, Unit


def is_private(unit: Unit) -> bool:
    """Whether the person is alone with the bot; in a group they are shown the way to their private chat.

    Raises:
        StateUnavailable: there is no database, and all of this needs it.
    """
    if unit.is_offline:
        raise StateUnavailable
    if not unit.incoming.is_group:
        return True
    link = f"https://t.me/{bot.user.username}"
    unit.reply(unit.rich("private_only"), [[(unit.text("private_open"), link)]])
    return False
