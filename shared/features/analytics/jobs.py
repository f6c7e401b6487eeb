"""The job `analytics`: sums finished days, compares yesterday with a recount, and sends the daily reports."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from shared.core import db, log
from shared.features.analytics import report
from shared.telegram import outbox

if TYPE_CHECKING:
    from shared.core.sql_types import RecordAnalytics

TIME = 40.0  # seconds of one run; the next run continues


def analytics() -> dict[str, object]:
    """Run once and return {days, drifts, reports}. Safe to run twice at once: one run does the work.

    Raises:
        DatabaseUnavailable: the scheduler must retry.
    """
    deadline = monotonic() + TIME
    days, drifts = 0, list[str]()
    while monotonic() < deadline:
        recorded: RecordAnalytics = db.call("record_analytics")
        outbox.deliver_outgoing(recorded["outgoing"])
        drifts += recorded["drifts"]
        if recorded["day"] is None:
            break
        days += 1
    if drifts:
        # Also where Telegram is out of reach; the sweep delivers the message later.
        log.alert("figures differ from a recount", action="analytics_drift", figures=drifts)
    done: dict[str, object] = {"days": days, "drifts": drifts, "reports": report.send_due()}
    if days or done["reports"]:
        log.info("figures were summed", action="analytics_job", **done)
    return done
