"""The job `health`: measures the health of the database and alerts the admins (docs/database.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core import db, log
from shared.telegram import outbox

if TYPE_CHECKING:
    from shared.core.sql_types import RecordHealth


def health() -> dict[str, object]:
    """Run once and return {figures, bad, alerts, resolved}. Of two runs at once, one does the work.

    Raises:
        DatabaseUnavailable: the scheduler must retry.
    """
    recorded: RecordHealth = db.call("record_health")
    if recorded["alerts"]:
        # Also where Telegram is out of reach; the sweep delivers the messages later.
        log.alert("the database needs attention", action="database_health", kinds=recorded["alerts"])
    outbox.deliver_outgoing(recorded["outgoing"])
    done: dict[str, object] = {
        "figures": recorded["figures"],
        "bad": recorded["bad"],
        "alerts": recorded["alerts"],
        "resolved": recorded["resolved"],
    }
    log.info("the health of the database was measured", action="health_job", **done)
    return done
