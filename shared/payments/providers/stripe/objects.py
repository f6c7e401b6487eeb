"""What Stripe's objects say, each as one notice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from shared.payments import parsing
from shared.payments.events import EventKind, PaymentEvent, WebhookEvent
from shared.payments.provider import InvalidPayload
from shared.payments.providers.stripe.money import amount_of

_REFUNDS = ("refund.created", "refund.updated", "refund.failed", "charge.refund.updated")
_BESIDE_THE_PERIOD = ("manual", "subscription_threshold", "automatic_pending_invoice_item_invoice")

Json = dict[str, Any]
Says = Callable[..., PaymentEvent]


def read(kind: str, found: Json, says: Says) -> PaymentEvent:
    """Say what an event means, except of a paid invoice.

    Raises:
        InvalidPayload: it lacks what such an event must have.
    """
    readers: dict[str, Callable[[Json, Says], PaymentEvent]] = {
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
    return says(kind=EventKind.OTHER)


def session(what: str, found: Json, says: Says) -> PaymentEvent:
    """Say what became of a Checkout session; the money of a subscription is told by its invoices."""
    says = partial(says, order_id=_order_id(found))
    payment_id = parsing.identifier(found.get("payment_intent"))
    if what == "expired":
        return says(kind=EventKind.CANCELED, reason="expired")
    if what == "async_payment_failed":
        return says(kind=EventKind.FAILED, payment_id=payment_id)
    if what not in ("completed", "async_payment_succeeded") or found.get("mode") != "payment":
        return says(kind=EventKind.OTHER)
    if what == "completed" and found.get("payment_status") not in ("paid", "no_payment_required"):
        return says(kind=EventKind.PENDING, payment_id=payment_id)
    payment_id = payment_id or parsing.identifier(found.get("id"))
    amount, currency = amount_of(found, "amount_total")
    if payment_id is None or amount is None:
        raise InvalidPayload("a paid session without an amount")
    return says(kind=EventKind.PAID, payment_id=payment_id, amount=amount, currency=currency)


def invoice_paid(invoice: Json, payment_id: str, says: Says) -> PaymentEvent:
    """Say that a period of a subscription is paid, with what was charged for it: 0 when credit covered all.

    An invoice for something else within a period (made by hand, by usage) belongs to no order of ours.

    Raises:
        InvalidPayload: it has no amount.
    """
    subscription_id, metadata = _subscription_of(invoice)
    amount, currency = amount_of(invoice, "amount_paid")
    if amount is None:
        raise InvalidPayload("a paid invoice without an amount")
    if parsing.text(invoice.get("billing_reason")) in _BESIDE_THE_PERIOD:
        return says(kind=EventKind.PAID, payment_id=payment_id, amount=amount, currency=currency)
    return says(
        kind=EventKind.PAID,
        is_invoice=subscription_id is not None,
        payment_id=payment_id,
        order_id=parsing.order_number(metadata.get("order_id")),
        subscription_id=subscription_id,
        amount=amount,
        currency=currency,
        # Not the invoice's own period, which for the first one ends where it began.
        period_ends_at=_latest(
            parsing.get_object(line, "period").get("end") for line in listed(invoice, "lines")
        ),
    )


def payment_of(invoice: Json, payments: list[Json]) -> str | None:
    """Return the PaymentIntent that paid an invoice; before version 2025-03-31 it stood in the invoice."""
    if own := parsing.identifier(invoice.get("payment_intent")):
        return own
    for one in payments:
        payment = parsing.get_object(one, "payment")
        found = parsing.identifier(payment.get("payment_intent") or payment.get("charge"))
        if found and one.get("status") == "paid":
            return found
    return None


def listed(found: Json, name: str) -> list[Json]:
    """Return the objects of a list within an object."""
    return parsing.get_list(parsing.get_object(found, name).get("data"))


def _order_id(found: Json) -> int | None:
    named = parsing.get_object(found, "metadata").get("order_id")
    return parsing.order_number(named or found.get("client_reference_id"))


def _latest(moments: Iterable[Any]) -> datetime | None:
    return max(filter(None, map(parsing.timestamp, moments)), default=None)


def _attempt_failed(intent: Json, says: Says) -> PaymentEvent:
    order_id, payment_id = _order_id(intent), parsing.identifier(intent.get("id"))
    if order_id is None:
        return says(kind=EventKind.OTHER)  # of a subscription: its invoice says more
    reason = parsing.text(parsing.get_object(intent, "last_payment_error").get("code"))
    return says(kind=EventKind.FAILED, payment_id=payment_id, order_id=order_id, reason=reason)


def _subscription_of(invoice: Json) -> tuple[str | None, Json]:
    """Return the number and the metadata of an invoice's subscription, where this version has them."""
    details = parsing.get_object(invoice, "parent", "subscription_details")
    details = details or parsing.get_object(invoice, "subscription_details")
    number = parsing.identifier(details.get("subscription") or invoice.get("subscription"))
    return number, parsing.get_object(details, "metadata")


def _invoice_failed(invoice: Json, says: Says) -> PaymentEvent:
    subscription_id, metadata = _subscription_of(invoice)
    if invoice.get("billing_reason") == "subscription_create":
        return says(kind=EventKind.FAILED, order_id=parsing.order_number(metadata.get("order_id")))
    if subscription_id is None:
        return says(kind=EventKind.OTHER)
    return says(kind=EventKind.SUBSCRIPTION_PAST_DUE, subscription_id=subscription_id)


def refund(found: Json, says: Says) -> PaymentEvent:
    """Say what became of a refund; one that is under way is nothing yet.

    Raises:
        InvalidPayload: it lacks its payment or amount.
    """
    state = found.get("status")
    if state not in ("succeeded", "failed", "canceled"):
        return says(kind=EventKind.OTHER, reason=parsing.text(state))
    payment_id = parsing.identifier(found.get("payment_intent") or found.get("charge"))
    number, (amount, currency) = parsing.identifier(found.get("id")), amount_of(found, "amount")
    if payment_id is None or number is None or amount is None:
        raise InvalidPayload("a refund without its payment or amount")
    return says(
        kind=EventKind.REFUNDED if state == "succeeded" else EventKind.REFUND_FAILED,
        payment_id=payment_id,
        operation_id=number,
        amount=amount,
        currency=currency,
        reason=parsing.text(found.get("failure_reason") or found.get("reason")),
    )


def listed_refund(found: Mapping[str, Any]) -> WebhookEvent:
    """Read a refund of a list."""
    return _listed("refund", found, refund)


def listed_dispute(found: Mapping[str, Any]) -> WebhookEvent:
    """Read a dispute of a list."""
    return _listed("dispute", found, _dispute)


def _listed(kind: str, found: Mapping[str, Any], read: Callable[[Json, Says], PaymentEvent]) -> WebhookEvent:
    """Return a state of an object as an event: a list has no numbers of events."""
    says = partial(PaymentEvent, happened_at=parsing.timestamp(found.get("created")))
    key = f"listed:{parsing.text(found.get('id'))}:{parsing.text(found.get('status'))}"
    return WebhookEvent(key, (read(dict(found), says),), f"{kind}.listed")


def _dispute(dispute: Json, says: Says) -> PaymentEvent:
    kinds = {"won": EventKind.DISPUTE_WON, "lost": EventKind.DISPUTE_LOST}
    kinds |= dict.fromkeys(("needs_response", "under_review"), EventKind.DISPUTED)
    # An inquiry (warning_…) moves no money.
    kind = kinds.get(parsing.text(dispute.get("status")), EventKind.OTHER)
    if kind is EventKind.OTHER:
        return says(kind=kind, reason=parsing.text(dispute.get("status")))
    payment_id = parsing.identifier(dispute.get("payment_intent") or dispute.get("charge"))
    number, (amount, currency) = parsing.identifier(dispute.get("id")), amount_of(dispute, "amount")
    if payment_id is None or number is None or amount is None:
        raise InvalidPayload("a dispute without its payment or amount")
    reason = parsing.text(dispute.get("reason"))
    return says(
        kind=kind,
        payment_id=payment_id,
        operation_id=number,
        amount=amount,
        currency=currency,
        reason=reason,
    )


def _subscription(subscription: Json, says: Says) -> PaymentEvent:
    state = subscription.get("status")
    # On current versions the items have it.
    holders = [subscription, *listed(subscription, "items")]
    if state in ("canceled", "unpaid", "incomplete_expired"):
        kind = EventKind.SUBSCRIPTION_ENDED
    elif state == "past_due":
        kind = EventKind.SUBSCRIPTION_PAST_DUE
    elif state not in ("active", "trialing"):
        kind = EventKind.OTHER
    elif subscription.get("cancel_at_period_end") or subscription.get("cancel_at"):
        kind = EventKind.SUBSCRIPTION_CANCELED
    else:
        kind = EventKind.SUBSCRIPTION_ACTIVE
    return says(
        kind=kind,
        subscription_id=parsing.identifier(subscription.get("id")),
        order_id=_order_id(subscription),
        period_ends_at=_latest(one.get("current_period_end") for one in holders),
        reason=parsing.text(state),
    )
