"""What a dead worker left behind is finished here, once; what waits is sent; what is old is dropped."""

from __future__ import annotations

from collections import Counter
from time import monotonic
from typing import Any

import orjson

from shared import bots
from shared.core import db, log
from shared.core.config import settings
from shared.telegram import outbox, pipeline
from shared.telegram.update import InvalidPayload, Update, parse

BATCH = 50  # updates worked on, and calls sent, a round
OLD = 1000  # rows of a kind dropped in one statement
TIME = 45.0  # seconds of one run; the next one goes on
_TIDYING = 5.0  # seconds of these for dropping what is old
_SENDING = 20.0  # seconds of these for what waits: stale updates can take all that is left


def sweep() -> dict[str, int]:
    """Run once and return how much was done: {stale, sent, released, updates, messages}.

    Safe to run twice at once: leases, claims and row locks keep two runs apart.

    Raises:
        DatabaseUnavailable: the scheduler is to come again.
    """
    started = monotonic()
    kept = _tidy(started + _TIDYING)
    sent = 0
    while monotonic() < started + _SENDING and (count := outbox.deliver_due(BATCH, started + _SENDING)):
        sent += count
    done = {"stale": _finish_stale(started + TIME), "sent": sent, **kept}
    log.info("swept", action="sweep", **done)
    return done


def _tidy(deadline: float) -> Counter[str]:
    """Drop what is old, in small statements, until there is no more or the time is up."""
    total: Counter[str] = Counter()
    while True:
        kept: dict[str, int] = db.call("sweep", p_limit=OLD)
        total.update(kept)
        if max(kept.values()) < OLD or monotonic() > deadline:
            return total


def _finish_stale(deadline: float) -> int:
    """Work on what is stale until there is no more or the time is up: after an outage it is a great deal."""
    count = 0
    while monotonic() < deadline:
        stale = db.call("stale_updates", p_limit=BATCH, p_bots=_our_bots())
        for stored in stale:
            if monotonic() < deadline:
                _finish(stored)
                count += 1
        if len(stale) < BATCH:
            break
    return count


def _our_bots() -> list[str]:
    """Return the bots that can be worked for here."""
    return [name for name in bots.names() if name in settings().bot_tokens]


def _finish(stored: dict[str, Any]) -> None:
    """Take one stored update all the way; its answer goes out by an explicit call."""
    try:
        update = _read(stored)
        if update is not None:
            pipeline.process(bots.load(stored["bot"]), update, has_response=False)
    except Exception as error:  # whatever is wrong with this one, the others are to be finished
        log.error(
            "a stale update could not be finished",
            action="sweep_failed",
            bot=stored["bot"],
            update_id=stored["update_id"],
            error=str(error),
        )


def _read(stored: dict[str, Any]) -> Update | None:
    """Return what was stored. Nobody can ever work on what cannot be read: the third time it is put aside."""
    try:
        update = parse(stored["bot"], orjson.dumps(stored["payload"]))
        reason = "a kind of update that nobody here knows"
    except InvalidPayload as error:
        update, reason = None, log.redact_secrets(str(error))
    if update is not None:
        return update
    bot, number = stored["bot"], stored["update_id"]
    failed = db.call("fail_stale_update", p_bot=bot, p_update_id=number, p_error=reason)
    if failed["outcome"] == "dead_lettered":
        log.alert(
            "an update was put aside", action="update_dead_lettered", bot=bot, error=reason, update_id=number
        )
    return None
