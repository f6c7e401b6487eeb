"""What Stripe's objects say, each as one notice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from shared.payments import reading
from shared.payments.notice import Event, Kind, Notice
from shared.payments.provider import Unusable
from shared.payments.providers.stripe.money import amount_of

_REFUNDS = ("refund.created", "refund.updated", "refund.failed", "charge.refund.updated")
_BESIDE_THE_PERIOD = ("manual", "subscription_threshold", "automatic_pending_invoice_item_invoice")

Json = dict[str, Any]
Says = Callable[..., Notice]


def read(kind: str, found: Json, says: Says) -> Notice:
    """Say what an event means, except of a paid invoice.

    Raises:
        Unusable: it lacks what such an event must have.
    """
    readers: dict[str, Callable[[Json, Says], Notice]] = {
        "invoice.payment_failed": _invoice_failed,
        "payment_intent.payment_failed": _attempt_failed,
        **dict.fromkeys(_REFUNDS, refund),
    }
    if kind in readers:
        return readers[kind](found, says)
    if kind.startswith("checkout.session."):
        return session(kind.removeprefix("checkout.session."), found, says)
    if kind.startswith("charge.dispute."):
        return _dispute(found, says)
    if kind.startswith("customer.subscription."):
        return _subscription(found, says)
    return says(kind=Kind.OTHER)


def session(what: str, found: Json, says: Says) -> Notice:
    """Say what became of a Checkout session; the money of a subscription is told by its invoices."""
    says = partial(says, order_id=_order_id(found))
    payment_id = reading.identifier(found.get("payment_intent"))
    if what == "expired":
        return says(kind=Kind.CANCELED, reason="expired")
    if what == "async_payment_failed":
        return says(kind=Kind.FAILED, payment_id=payment_id)
    if what not in ("completed", "async_payment_succeeded") or found.get("mode") != "payment":
        return says(kind=Kind.OTHER)
    if what == "completed" and found.get("payment_status") not in ("paid", "no_payment_required"):
        return says(kind=Kind.PENDING, payment_id=payment_id)
    payment_id = payment_id or reading.identifier(found.get("id"))
    amount, currency = amount_of(found, "amount_total")
    if payment_id is None or amount is None:
        raise Unusable("a paid session without an amount")
    return says(kind=Kind.PAID, payment_id=payment_id, amount=amount, currency=currency)


def invoice_paid(invoice: Json, payment_id: str, says: Says) -> Notice:
    """Say that a period of a subscription is paid, with what was charged for it: 0 when credit covered all.

    An invoice for something else within a period (made by hand, by usage) belongs to no order of ours.

    Raises:
        Unusable: it has no amount.
    """
    subscription_id, metadata = _subscription_of(invoice)
    amount, currency = amount_of(invoice, "amount_paid")
    if amount is None:
        raise Unusable("a paid invoice without an amount")
    if reading.text(invoice.get("billing_reason")) in _BESIDE_THE_PERIOD:
        return says(kind=Kind.PAID, payment_id=payment_id, amount=amount, currency=currency)
    return says(
        kind=Kind.PAID,
        is_invoice=subscription_id is not None,
        payment_id=payment_id,
        order_id=reading.order_number(metadata.get("order_id")),
        subscription_id=subscription_id,
        amount=amount,
        currency=currency,
        # Not the invoice's own period, which for the first one ends where it began.
        period_ends_at=_latest(reading.inner(line, "period").get("end") for line in listed(invoice, "lines")),
    )


def payment_of(invoice: Json, payments: list[Json]) -> str | None:
    """Return the PaymentIntent that paid an invoice; before version 2025-03-31 it stood in the invoice."""
    if own := reading.identifier(invoice.get("payment_intent")):
        return own
    for one in payments:
        payment = reading.inner(one, "payment")
        found = reading.identifier(payment.get("payment_intent") or payment.get("charge"))
        if found and one.get("status") == "paid":
            return found
    return None


def listed(found: Json, name: str) -> list[Json]:
    """Return the objects of a list within an object."""
    return reading.items(reading.inner(found, name).get("data"))


def _order_id(found: Json) -> int | None:
    named = reading.inner(found, "metadata").get("order_id")
    return reading.order_number(named or found.get("client_reference_id"))


def _latest(moments: Iterable[Any]) -> datetime | None:
    return max(filter(None, map(reading.moment, moments)), default=None)


def _attempt_failed(intent: Json, says: Says) -> Notice:
    order_id, payment_id = _order_id(intent), reading.identifier(intent.get("id"))
    if order_id is None:
        return says(kind=Kind.OTHER)  # of a subscription: its invoice says more
    reason = reading.text(reading.inner(intent, "last_payment_error").get("code"))
    return says(kind=Kind.FAILED, payment_id=payment_id, order_id=order_id, reason=reason)


def _subscription_of(invoice: Json) -> tuple[str | None, Json]:
    """Return the number and the metadata of an invoice's subscription, where this version has them."""
    details = reading.inner(invoice, "parent", "subscription_details")
    details = details or reading.inner(invoice, "subscription_details")
    number = reading.identifier(details.get("subscription") or invoice.get("subscription"))
    return number, reading.inner(details, "metadata")


def _invoice_failed(invoice: Json, says: Says) -> Notice:
    subscription_id, metadata = _subscription_of(invoice)
    if invoice.get("billing_reason") == "subscription_create":
        return says(kind=Kind.FAILED, order_id=reading.order_number(metadata.get("order_id")))
    if subscription_id is None:
        return says(kind=Kind.OTHER)
    return says(kind=Kind.SUBSCRIPTION_PAST_DUE, subscription_id=subscription_id)


def refund(found: Json, says: Says) -> Notice:
    """Say what became of a refund; one that is under way is nothing yet.

    Raises:
        Unusable: it lacks its payment or amount.
    """
    state = found.get("status")
    if state not in ("succeeded", "failed", "canceled"):
        return says(kind=Kind.OTHER, reason=reading.text(state))
    payment_id = reading.identifier(found.get("payment_intent") or found.get("charge"))
    number, (amount, currency) = reading.identifier(found.get("id")), amount_of(found, "amount")
    if payment_id is None or number is None or amount is None:
        raise Unusable("a refund without its payment or amount")
    return says(
        kind=Kind.REFUNDED if state == "succeeded" else Kind.REFUND_FAILED,
        payment_id=payment_id,
        operation_id=number,
        amount=amount,
        currency=currency,
        reason=reading.text(found.get("failure_reason") or found.get("reason")),
    )


def listed_refund(found: Mapping[str, Any]) -> Event:
    """Read a refund of a list."""
    return _listed("refund", found, refund)


def listed_dispute(found: Mapping[str, Any]) -> Event:
    """Read a dispute of a list."""
    return _listed("dispute", found, _dispute)


def _listed(kind: str, found: Mapping[str, Any], read: Callable[[Json, Says], Notice]) -> Event:
    """Return a state of an object as an event: a list has no numbers of events."""
    says = partial(Notice, happened_at=reading.moment(found.get("created")))
    key = f"listed:{reading.text(found.get('id'))}:{reading.text(found.get('status'))}"
    return Event(key, (read(dict(found), says),), f"{kind}.listed")


def _dispute(dispute: Json, says: Says) -> Notice:
    kinds = {"won": Kind.DISPUTE_WON, "lost": Kind.DISPUTE_LOST}
    kinds |= dict.fromkeys(("needs_response", "under_review"), Kind.DISPUTED)
    # An inquiry (warning_…) moves no money.
    kind = kinds.get(reading.text(dispute.get("status")), Kind.OTHER)
    if kind is Kind.OTHER:
        return says(kind=kind, reason=reading.text(dispute.get("status")))
    payment_id = reading.identifier(dispute.get("payment_intent") or dispute.get("charge"))
    number, (amount, currency) = reading.identifier(dispute.get("id")), amount_of(dispute, "amount")
    if payment_id is None or number is None or amount is None:
        raise Unusable("a dispute without its payment or amount")
    reason = reading.text(dispute.get("reason"))
    return says(
        kind=kind,
        payment_id=payment_id,
        operation_id=number,
        amount=amount,
        currency=currency,
        reason=reason,
    )


def _subscription(subscription: Json, says: Says) -> Notice:
    state = subscription.get("status")
    # On current versions the items have it.
    holders = [subscription, *listed(subscription, "items")]
    if state in ("canceled", "unpaid", "incomplete_expired"):
        kind = Kind.SUBSCRIPTION_ENDED
    elif state == "past_due":
        kind = Kind.SUBSCRIPTION_PAST_DUE
    elif state not in ("active", "trialing"):
        kind = Kind.OTHER
    elif subscription.get("cancel_at_period_end") or subscription.get("cancel_at"):
        kind = Kind.SUBSCRIPTION_CANCELED
    else:
        kind = Kind.SUBSCRIPTION_ACTIVE
    return says(
        kind=kind,
        subscription_id=reading.identifier(subscription.get("id")),
        order_id=_order_id(subscription),
        period_ends_at=_latest(one.get("current_period_end") for one in holders),
        reason=reading.text(state),
    )
