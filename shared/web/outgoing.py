"""Sends the messages that a form causes, such as a receipt in the chat."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.core.sql_types import OutgoingItem


def deliver(messages: Sequence[OutgoingItem]) -> None:
    """Deliver what a SQL function has put into the outbox; what fails waits there for the sweep."""
    if messages:
        from shared.telegram import outbox  # imports telebot, which most pages do not need

        outbox.deliver_outgoing(messages)
