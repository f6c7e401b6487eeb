"""Delivers the messages to buyers and admins that payment functions put into the outbox."""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic
from typing import TYPE_CHECKING

from shared.telegram import outbox

if TYPE_CHECKING:
    from shared.core.sql_types import OutgoingItem

DELIVERY_TIME = 3.0  # seconds; the sweep delivers what is left


def deliver(outgoing: Iterable[OutgoingItem]) -> None:
    """Deliver messages that a SQL function returned as due; the sweep delivers the rest."""
    deadline = monotonic() + DELIVERY_TIME
    by_bot: dict[str, list[OutgoingItem]] = {}
    for message in outgoing:
        by_bot.setdefault(message["bot"], []).append(message)
    for bot, messages in by_bot.items():
        for message in messages:  # one call per message: a blocked chat delays no other
            outbox.deliver(bot, [message], deadline)
