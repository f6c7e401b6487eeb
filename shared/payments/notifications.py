"""Delivers the messages to buyers and admins that payment functions put into the outbox."""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic
from typing import Any

from shared.telegram import outbox

DELIVERY_TIME = 3.0  # seconds; the sweep delivers what is left


def deliver(outgoing: Iterable[dict[str, Any]]) -> None:
    """Deliver messages that a SQL function returned as due; the sweep delivers the rest."""
    deadline = monotonic() + DELIVERY_TIME
    by_bot: dict[str, list[dict[str, Any]]] = {}
    for message in outgoing:
        by_bot.setdefault(message["bot"], []).append(message)
    for bot, messages in by_bot.items():
        for message in messages:  # one call per message: a blocked chat delays no other
            outbox.deliver(bot, [message], deadline)
