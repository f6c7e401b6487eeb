"""The job `payments`: kept events, Stars without an update, renewals that are due, reminders of ends and of
unpaid orders, messages of expired orders, subscriptions to stop at their provider, open orders and refunds.

Each part may run twice at once and goes on where the last one stopped; one provider that is down holds up no
other.
"""

from __future__ import annotations

from time import monotonic
from typing import Any

from shared.core import db, log
from shared.payments import (
    notifications,
    open_orders,
    providers,
    recording,
    refunds,
    renewals,
    star_transactions,
    subscription_cancellations,
)
from shared.payments.provider import PaymentError

_TIME = 60.0  # seconds for all of it
_TIMEOUT = 5.0  # seconds for one question to a provider
_PATIENCE = 2  # failures after which a provider is left alone this time


def payments() -> dict[str, Any]:
    """Run all of it once and return how much there was of each."""
    deadline = monotonic() + _TIME
    kept = db.call("retry_payment_events", p_accept_test=recording.accepts_test_payments())
    notifications.deliver(kept["outgoing"])
    if kept["ignored"]:
        recording.alert_ignored("several", f"{kept['ignored']} of a day ago")
    missed = star_transactions.record_missed()
    charged = renewals.charge_due()
    reminders = [*db.call("enqueue_expiry_reminders"), *db.call("enqueue_order_reminders")]
    notifications.deliver(reminders)
    notifications.deliver(db.call("close_invitations"))
    return {
        "applied": kept["applied"],
        "failed": kept["failed"],
        "missed": missed,
        "charged": charged,
        "reminded": len(reminders),
        "stopped": subscription_cancellations.stop(deadline),
        "refunds": refunds.go_on(deadline),
        "asked": _ask_for_open_orders(deadline),
    }


def _ask_for_open_orders(deadline: float) -> int:
    """Ask the providers what became of orders that nobody told us about."""
    askable = [key for key in providers.configured() if providers.load(key).SUPPORTS_STATUS]
    failures: dict[str, int] = {}
    asked = 0
    for order in db.call("claim_open_orders", p_providers=askable):
        if monotonic() + _TIMEOUT > deadline:
            break
        if failures.get(order["provider"], 0) >= _PATIENCE:
            continue
        try:
            open_orders.ask(order["provider"], order["id"], order["reference"], _TIMEOUT)
        except PaymentError as error:
            failures[order["provider"]] = failures.get(order["provider"], 0) + 1
            log.warning(
                "an order's state is unknown",
                action="reconcile_failed",
                provider=order["provider"],
                reason=str(error),
            )
        asked += 1
    return asked
