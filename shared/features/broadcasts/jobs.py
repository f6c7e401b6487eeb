"""The job of broadcasts: freezes recipients, queues steps of sequences, sends, deletes what was sent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep
from typing import TYPE_CHECKING

from shared.core import db, log
from shared.core.errors import TelegramError
from shared.features.broadcasts import sending
from shared.telegram import api

if TYPE_CHECKING:
    from shared.core.sql_types import (
        AdvanceSequences,
        ClaimBroadcast,
        ClaimDeletions,
        ClaimDeletionsMessages,
        FreezeBroadcasts,
        PrepareBroadcasts,
    )

TIME = 50.0  # seconds of one run; the next run continues, and both together keep the pace
BATCH = 25
STEPS = 500
PART = 10_000  # users looked at in one transaction
_PAUSED = 5.0  # seconds that a run waits for a bot; a longer pause is left to the next run


def broadcasts() -> dict[str, int]:
    """Run once and return counts. Safe to run twice at once: rows are claimed once, and the pace is shared.

    Raises:
        DatabaseUnavailable: the scheduler must retry.
    """
    deadline = monotonic() + TIME
    while monotonic() < deadline:
        frozen: FreezeBroadcasts = db.call("freeze_broadcasts", p_limit=PART)
        if not frozen["is_open"]:
            break
    while monotonic() < deadline:
        advanced: AdvanceSequences = db.call("advance_sequences", p_limit=STEPS)
        if advanced["checked"] < STEPS:
            break
    work: PrepareBroadcasts = db.call("prepare_broadcasts")
    done = {"messages": 0, "deleted": 0}
    if work["bots"]:
        with ThreadPoolExecutor(len(work["bots"]), thread_name_prefix="broadcast") as bots:
            done["messages"] = sum(bots.map(lambda bot: _send(bot, deadline), work["bots"]))
        db.call("prepare_broadcasts")  # finishes what has no open recipients now
    if work["is_deleting"]:
        done["deleted"] = _delete(deadline)
    if any(done.values()):
        log.info("broadcasts sent", action="broadcasts_job", **done)
    return done


def _send(bot: str, deadline: float) -> int:
    """Send what is due through a bot; return how many messages were claimed."""
    count = 0
    with ThreadPoolExecutor(sending.THREADS, thread_name_prefix="broadcast-call") as pool:
        while monotonic() < deadline:
            claim: ClaimBroadcast = db.call("claim_broadcast", p_bot=bot, p_limit=BATCH)
            if claim["wait"] > 0:
                if claim["wait"] > _PAUSED or monotonic() + claim["wait"] > deadline:
                    break
                sleep(claim["wait"])
                continue
            if not claim["checked"]:
                break
            if claim["messages"]:
                batch = sending.Batch(bot, claim)
                results = batch.send(pool, lambda: monotonic() < deadline)
                db.call("record_broadcast", p_bot=bot, p_results=results, p_pause=batch.pause)
                count += len(results)
    return count


def _delete(deadline: float) -> int:
    """Delete messages that were sent; return how many are gone."""
    count = 0
    while monotonic() < deadline:
        claim: ClaimDeletions = db.call("claim_deletions", p_limit=BATCH)
        if claim["messages"]:
            results = [_delete_one(one) for one in claim["messages"]]
            db.call("record_deletions", p_results=results)
            count += sum(one["outcome"] == "deleted" for one in results)
        elif not claim["is_open"] or claim["wait"] > _PAUSED:
            break
        elif claim["wait"] > 0:
            sleep(claim["wait"])
    return count


def _delete_one(one: ClaimDeletionsMessages) -> dict[str, object]:
    result: dict[str, object] = {"broadcast_id": one["broadcast_id"], "user_id": one["user_id"]}
    try:
        where = {"chat_id": one["chat_id"], "message_id": one["message_id"]}
        api.call(one["bot"], "deleteMessage", where)
    except TelegramError as error:
        if "message to delete not found" in error.description:
            return {**result, "outcome": "deleted"}
        if not error.is_temporary:
            return {**result, "outcome": "kept", "error": error.description}
        if error.status == 429:
            sleep(min(error.retry_after or 1.0, _PAUSED))
        return {**result, "outcome": "later"}
    return {**result, "outcome": "deleted"}
