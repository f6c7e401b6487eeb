"""The job `payments`: everything about money that no webhook or user starts.

It retries stored events, records Stars without an update, charges due renewals, sends reminders of ending
plans and unpaid orders, edits the messages of expired orders, cancels subscriptions at their providers,
retries refunds and fetches the state of open orders. It also sends messages about assigned trainings and
finishes exams whose time is over. Each part may run twice at once and
continues where the last run stopped. A provider that is down delays no other.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from shared.core import db, log
from shared.core.errors import DatabaseUnavailable
from shared.payments import (
    open_orders,
    providers,
    recording,
    refunds,
    renewals,
    star_transactions,
    subscription_cancellations,
)
from shared.payments.provider import PaymentError
from shared.telegram import bulk, outbox

if TYPE_CHECKING:
    from shared.core.sql_types import ClaimOpenOrders, OutgoingItem, RetryPaymentEvents

_TIME = 60.0  # seconds for the whole run
_REMINDER_TIME = 15.0  # seconds for reminders; what is left goes out with the sweep
_TIMEOUT = 5.0  # seconds for one request to a provider
_MAX_FAILURES = 2  # of a provider, after which this run skips it


def payments() -> dict[str, object]:
    """Run every part once and return how much each did."""
    deadline = monotonic() + _TIME
    kept: RetryPaymentEvents = db.call(
        "retry_payment_events", p_accept_test=recording.accepts_test_payments()
    )
    outbox.deliver_outgoing(kept["outgoing"])
    if kept["ignored"]:
        recording.alert_ignored("several", f"{kept['ignored']} of a day ago")
    missed = star_transactions.record_missed()
    charged = renewals.charge_due()
    expiry_reminders: list[OutgoingItem] = db.call("enqueue_expiry_reminders")
    order_reminders: list[OutgoingItem] = db.call("enqueue_order_reminders")
    bulk.deliver([*expiry_reminders, *order_reminders], _REMINDER_TIME)
    edits: list[OutgoingItem] = db.call("close_invitations")
    outbox.deliver_outgoing(edits)
    done: dict[str, object] = {
        "applied": kept["applied"],
        "failed": kept["failed"],
        "missed": missed,
        "charged": charged,
        "reminded": len(expiry_reminders) + len(order_reminders),
        "stopped": subscription_cancellations.cancel_due(deadline),
        "refunds": refunds.retry_open(deadline),
        "asked": _fetch_open_orders(deadline),
    }
    # A job of their own costs $0.10 a month. They come last: a failure of theirs stops nothing about money.
    task_messages: list[OutgoingItem] = db.call("enqueue_task_messages")
    outbox.deliver_outgoing(task_messages)
    return {**done, "tasks": len(task_messages), "exams": _finish_exams()}


def _finish_exams() -> int:
    """Finish exams whose time is over, each in its own transaction, so that one that fails stops no other."""
    finished = 0
    expired: list[int] = db.call("expired_exams")
    for training_id in expired:
        try:
            messages: list[OutgoingItem] = db.call("finish_expired_exam", p_training_id=training_id)
        except DatabaseUnavailable:
            raise
        except Exception as error:
            log.error(
                "an exam could not be finished",
                action="exam_failed",
                training_id=training_id,
                error=type(error).__name__,
            )
            continue
        outbox.deliver_outgoing(messages)
        finished += len(messages)
    return finished


def _fetch_open_orders(deadline: float) -> int:
    """Fetch the state of orders whose webhooks may be lost; return how many."""
    fetchable = [key for key in providers.configured() if providers.load(key).SUPPORTS_STATUS]
    failures: dict[str, int] = {}
    asked = 0
    orders: list[ClaimOpenOrders] = db.call("claim_open_orders", p_providers=fetchable)
    for order in orders:
        if monotonic() + _TIMEOUT > deadline:
            break
        if failures.get(order["provider"], 0) >= _MAX_FAILURES:
            continue
        try:
            open_orders.refresh(order["provider"], order["id"], order["reference"], _TIMEOUT)
        except PaymentError as error:
            failures[order["provider"]] = failures.get(order["provider"], 0) + 1
            log.warning(
                "the state of an order could not be fetched",
                action="reconcile_failed",
                provider=order["provider"],
                reason=str(error),
            )
        asked += 1
    return asked
