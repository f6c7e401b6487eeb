"""The job of reminders: sends those that are due."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from shared.core import db, log
from shared.telegram import bulk

if TYPE_CHECKING:
    from shared.core.sql_types import EnqueueDueReminders

TIME = 45.0  # seconds of one run; the next run continues


def reminders() -> dict[str, int]:
    """Run once and return counts. Safe to run twice at once: rows are locked, and taken once.

    Raises:
        DatabaseUnavailable: the scheduler must retry.
    """
    sent = bulk.send(_enqueue, monotonic() + TIME)
    if sent:
        log.info("reminders sent", action="reminders_job", reminders=sent)
    return {"reminders": sent}


def _enqueue(limit: int) -> bulk.Batch:
    batch: EnqueueDueReminders = db.call("enqueue_due_reminders", p_limit=limit)
    return {"checked": batch["checked"], "outgoing": batch["outgoing"]}
