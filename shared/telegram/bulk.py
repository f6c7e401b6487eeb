"""Sends messages of jobs to many users, at the rate that all jobs of a bot share (`private.bot_pace`).

Telegram takes about 30 messages a second from a bot. Jobs send 25 of them, so that answers have room.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic, sleep
from typing import TYPE_CHECKING, TypedDict

from shared.core import db
from shared.telegram import outbox

if TYPE_CHECKING:
    from shared.core.sql_types import OutgoingItem, ReserveMessages

BATCH = 25  # messages that share a place
_LEASE = 40.0  # seconds in which messages are delivered that were enqueued now: the sweep waits a minute


class Batch(TypedDict):
    """What a SQL function enqueued: messages, and how many rows it looked at to find them."""

    checked: int
    outgoing: list[OutgoingItem]


def send(enqueue: Callable[[int], Batch], deadline: float) -> int:
    """Enqueue and deliver batch by batch until nothing is due or `deadline` (monotonic seconds).

    Args:
        enqueue: enqueues at most so many messages.
        deadline: no batch begins after it.

    Returns:
        How many messages were enqueued.
    """
    sent = 0
    while True:
        batch = enqueue(BATCH)
        is_whole = deliver(batch["outgoing"])
        sent += len(batch["outgoing"])
        if batch["checked"] < BATCH or not is_whole or monotonic() > deadline:
            return sent


def deliver(outgoing: Sequence[OutgoingItem], seconds: float = _LEASE) -> bool:
    """Deliver messages that were enqueued now, those of each bot in their place.

    Messages whose place comes too late for `seconds` are postponed, and the sweep delivers them.

    Returns:
        Whether none was postponed.
    """
    deadline = monotonic() + seconds
    is_whole = True
    for bot in sorted({message["bot"] for message in outgoing}):
        messages = [message for message in outgoing if message["bot"] == bot]
        for start in range(0, len(messages), BATCH):
            part = messages[start : start + BATCH]
            place: ReserveMessages = db.call(
                "reserve_messages",
                p_bot=bot,
                p_count=len(part),
                p_patience=max(deadline - monotonic(), 0.0),
            )
            if not place["is_reserved"]:
                outbox.postpone(part, place["wait"])
                is_whole = False
                continue
            sleep(place["wait"])
            outbox.deliver_outgoing(part, max(deadline - monotonic(), 0.0))
    return is_whole
