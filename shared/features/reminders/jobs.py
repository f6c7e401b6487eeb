"""The job of reminders: sends those that are due."""

from __future__ import annotations

from time import monotonic, sleep
from typing import TYPE_CHECKING

from shared.core import db, log
from shared.telegram import outbox

if TYPE_CHECKING:
    from shared.core.sql_types import EnqueueDueReminders

BATCH = 25  # messages a second: Telegram takes about 30 from a bot
TIME = 45.0  # seconds of one run; the next run continues
_DELIVERY = 10.0  # seconds that delivering a batch may take


def reminders() -> dict[str, int]:
    """Run once and return counts. Safe to run twice at once: rows are locked, and taken once.

    Raises:
        DatabaseUnavailable: the scheduler must retry.
    """
    deadline, sent = monotonic() + TIME, 0
    while True:
        started = monotonic()
        batch: EnqueueDueReminders = db.call("enqueue_due_reminders", p_limit=BATCH)
        outbox.deliver_outgoing(batch["outgoing"], _DELIVERY)
        sent += len(batch["outgoing"])
        if batch["checked"] < BATCH or monotonic() > deadline:
            break
        sleep(max(started + 1 - monotonic(), 0))
    if sent:
        log.info("reminders sent", action="reminders_job", reminders=sent)
    return {"reminders": sent}
