"""Stops an auto-renewal, at its provider first: it is stopped here only when it is stopped there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.core import db, log
from shared.payments import providers

if TYPE_CHECKING:
    from shared.core.sql_types import (
        AbortCancel,
        CancelRenewal,
        SubscriptionOverview,
        SubscriptionOverviewRenewals,
    )
    from shared.features.common.buyer import Buyer

_TIMEOUT = 8.0  # seconds for a provider to stop a renewal


@dataclass(frozen=True)
class Stopped:
    """What came of it.

    Attributes:
        key: of the text that says it.
        until: how long the paid period lasts; empty: unknown.
        is_running: it continues.
    """

    key: str
    until: str = ""
    is_running: bool = False


def stop(buyer: Buyer, renewal: SubscriptionOverviewRenewals) -> Stopped:
    """Stop a renewal. A refusal by the provider also alerts the owner."""
    from shared.payments.provider import PaymentError, RequestRefused

    done: CancelRenewal | AbortCancel
    try:
        _stop_at_provider(buyer, renewal)
        done = db.call("cancel_renewal", p_user_id=buyer.user.id, p_renewal_id=renewal["id"])
    except PaymentError as error:
        # Without an answer it may be stopped all the same, and its callback may be here already.
        done = db.call("abort_cancel", p_user_id=buyer.user.id, p_renewal_id=renewal["id"])
        if done["outcome"] != "known":
            is_refusal = isinstance(error, RequestRefused)
            (log.alert if is_refusal else log.warning)(
                "a renewal could not be stopped",
                action="renewal_not_stopped",
                provider=renewal["provider"],
                reason=str(error),
            )
            key = "subscription_cancel_refused" if is_refusal else "subscription_cancel_failed"
            return Stopped(key, is_running=True)
    if done["outcome"] == "busy":
        return Stopped("subscription_cancel_busy", is_running=True)
    until = done.get("charged_until")
    return Stopped(
        "subscription_canceled_over" if done.get("is_over") else "subscription_canceled",
        buyer.date(until) if until else "",
    )


def _stop_at_provider(buyer: Buyer, renewal: SubscriptionOverviewRenewals) -> None:
    """Stop a renewal whose schedule the provider has. Raises PaymentError."""
    if renewal["provider_subscription_id"].startswith("order:"):
        return
    if renewal["provider"] not in providers.names():
        from shared.payments.provider import RequestRefused

        raise RequestRefused(f"the provider {renewal['provider']} is gone")
    db.call("begin_cancel", p_user_id=buyer.user.id, p_renewal_id=renewal["id"])
    providers.load(renewal["provider"]).cancel_subscription(
        renewal["provider_subscription_id"],
        buyer.user.telegram_id,
        _TIMEOUT,
        payment_id=renewal["payment_id"] or "",
        payer=renewal["payer"] or "",
    )


def late_until(running: SubscriptionOverview) -> str | None:
    """Return how long the plan stays active while its charge is late: the date in its renewal's line."""
    late = (one for one in running["renewals"] if one["status"] == "past_due")
    return next((one["effective_end"] for one in late if one["plan"] == running["plan"]), None)
