"""The sweep job: finishes updates of crashed workers, delivers due outbox items, deletes expired rows."""

from __future__ import annotations

from collections import Counter
from time import monotonic
from typing import TYPE_CHECKING

import orjson

from shared import bots
from shared.core import db, log
from shared.telegram import configured, outbox, pipeline
from shared.telegram.update import Update
from shared.telegram.update_parsing import InvalidPayload, parse

if TYPE_CHECKING:
    from shared.core.sql_types import FailStaleUpdate, StaleUpdates

BATCH = 50  # stale updates, and outbox items, per round
OLD = 1000  # rows of a kind deleted in one statement
TIME = 45.0  # seconds of one run; the next run continues
_CLEANUP_TIME = 5.0  # seconds of TIME for deleting expired rows
_DELIVERY_TIME = 20.0  # seconds of TIME for cleanup and the outbox; stale updates get the rest


def sweep() -> dict[str, int]:
    """Run once and return counts: {stale, sent, released, updates, messages, …}.

    Safe to run concurrently: leases, claims and row locks keep two runs apart.

    Raises:
        DatabaseUnavailable: the scheduler must retry.
    """
    started = monotonic()
    deleted = _clean_up(started + _CLEANUP_TIME)
    sent = 0
    while monotonic() < started + _DELIVERY_TIME and (
        count := outbox.deliver_due(BATCH, started + _DELIVERY_TIME)
    ):
        sent += count
    done = {"stale": _finish_stale(started + TIME), "sent": sent, **deleted}
    log.info("sweep finished", action="sweep", **done)
    return done


def _clean_up(deadline: float) -> Counter[str]:
    """Delete expired rows in small statements until none are left or the deadline has passed."""
    total: Counter[str] = Counter()
    while True:
        deleted: dict[str, int] = db.call("sweep", p_limit=OLD)
        total.update(deleted)
        if max(deleted.values()) < OLD or monotonic() > deadline:
            return total


def _finish_stale(deadline: float) -> int:
    """Finish stale updates until none are left or the deadline has passed; return their number."""
    count = 0
    while monotonic() < deadline:
        stale: list[StaleUpdates] = db.call("stale_updates", p_limit=BATCH, p_bots=configured.names())
        for stored in stale:
            if monotonic() < deadline:
                _finish(stored)
                count += 1
        if len(stale) < BATCH:
            break
    return count


def _finish(stored: StaleUpdates) -> None:
    """Process one stored update; its answer is delivered by an explicit call."""
    try:
        update = _read(stored)
        if update is not None:
            pipeline.process(bots.load(stored["bot"]), update, has_response=False)
    except Exception as error:  # one failure must not stop the others
        log.error(
            "a stale update could not be finished",
            action="sweep_failed",
            bot=stored["bot"],
            update_id=stored["update_id"],
            error=str(error),
        )


def _read(stored: StaleUpdates) -> Update | None:
    """Parse a stored update. One that cannot be parsed is dead-lettered at the third attempt; None then."""
    try:
        update = parse(stored["bot"], orjson.dumps(stored["payload"]))
        reason = "an unknown kind of update"
    except InvalidPayload as error:
        update, reason = None, log.redact_secrets(str(error))
    if update is not None:
        return update
    bot, number = stored["bot"], stored["update_id"]
    failed: FailStaleUpdate = db.call("fail_stale_update", p_bot=bot, p_update_id=number, p_error=reason)
    if failed["outcome"] == "dead_lettered":
        log.alert(
            "an update was dead-lettered",
            action="update_dead_lettered",
            bot=bot,
            error=reason,
            update_id=number,
        )
    return None
