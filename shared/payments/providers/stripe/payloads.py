"""What Stripe sends: events, and the objects in them and in its API.

Source: https://docs.stripe.com/api (Event, Checkout Session, Invoice, PaymentIntent, Refund, Dispute,
Subscription), version 2026-10-28, read on 2026-11-21. Webhooks have the version of their endpoint, so fields
are read where older versions have them, too. Amounts are integers in the currency's smallest unit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from shared.payments import parsing
from shared.payments.events import EventKind, PaymentEvent, WebhookEvent
from shared.payments.payloads import (
    Currency,
    Identifier,
    ObjectList,
    ObjectOrNone,
    Payload,
    RequiredIdentifier,
    RequiredText,
    Text,
    Timestamp,
    parse,
)
from shared.payments.provider import InvalidPayload
from shared.payments.providers.stripe.money import major_units

Json = dict[str, object]
NewEvent = Callable[..., PaymentEvent]  # PaymentEvent with the fields that its webhook gives
MinorUnits = Annotated[int, Field(ge=0)]
# Charged for a change within a period that is already paid, or created by hand: of no order of ours.
_BESIDE_THE_PERIOD = ("manual", "subscription_threshold", "automatic_pending_invoice_item_invoice")
_REFUNDS = ("refund.created", "refund.updated", "refund.failed", "charge.refund.updated")
_DISPUTES = MappingProxyType(
    {
        "won": EventKind.DISPUTE_WON,
        "lost": EventKind.DISPUTE_LOST,
        "needs_response": EventKind.DISPUTED,
        "under_review": EventKind.DISPUTED,
    }
)  # an inquiry (warning_…) moves no money
_SUBSCRIPTIONS = MappingProxyType(
    {
        "canceled": EventKind.SUBSCRIPTION_ENDED,
        "unpaid": EventKind.SUBSCRIPTION_ENDED,
        "incomplete_expired": EventKind.SUBSCRIPTION_ENDED,
        "past_due": EventKind.SUBSCRIPTION_PAST_DUE,
        "active": EventKind.SUBSCRIPTION_ACTIVE,
        "trialing": EventKind.SUBSCRIPTION_ACTIVE,
    }
)


class EventData(Payload):
    """The object of an event, as it was when the event happened."""

    content: Annotated[Json, Field(alias="object", min_length=1)]


class Envelope(Payload):
    """What every event has, whatever it is about."""

    kind: Literal["event"] = Field(alias="object")
    id: RequiredIdentifier
    type: RequiredText
    account: object = None  # of a connected account


class Event(Envelope):
    """An event of our own account."""

    data: EventData
    created: Timestamp = None
    livemode: object = None  # false in test mode

    def new_event(self) -> NewEvent:
        """Return a constructor of events with what this one says about itself."""
        return partial(PaymentEvent, is_test=self.livemode is False, happened_at=self.created)


class Metadata(Payload):
    """What we attached to an object."""

    order_id: object = None


class Period(Payload):
    """A period of a subscription."""

    end: Timestamp = None


class WithOrder(Payload):
    """An object that names our order."""

    metadata: Annotated[Metadata | None, ObjectOrNone] = None
    client_reference_id: object = None

    @property
    def order_id(self) -> int | None:
        """Our order's number: from the metadata, else from the reference."""
        named = self.metadata.order_id if self.metadata else None
        # Metadata of another application on the account must not make its reference ours.
        return parsing.order_number(named or self.client_reference_id)


class CheckoutSession(WithOrder):
    """A Checkout session. Its state decides, not the name of the event."""

    id: Identifier = None
    mode: Text = ""  # payment, subscription, setup
    status: Text = ""  # open, complete, expired
    payment_status: Text = ""  # paid, unpaid, no_payment_required
    payment_intent: Identifier = None
    invoice: Identifier = None
    livemode: object = None

    def new_event(self) -> NewEvent:
        """Return a constructor of events of a session that was fetched."""
        return partial(PaymentEvent, is_test=self.livemode is False)


class PaidSession(CheckoutSession):
    """A session that is paid."""

    amount_total: MinorUnits
    currency: Currency


class PaymentError(Payload):
    """Why an attempt failed."""

    code: Text = ""


class PaymentIntent(WithOrder):
    """A payment with all its attempts."""

    id: Identifier = None
    last_payment_error: Annotated[PaymentError | None, ObjectOrNone] = None


class SubscriptionDetails(Payload):
    """The subscription of an invoice, with its metadata."""

    subscription: Identifier = None
    metadata: Annotated[Metadata | None, ObjectOrNone] = None


class InvoiceParent(Payload):
    """What caused an invoice."""

    subscription_details: Annotated[SubscriptionDetails | None, ObjectOrNone] = None


class InvoiceLine(Payload):
    """A line of an invoice. Its period counts: the first invoice's own ends where it begins."""

    period: Annotated[Period | None, ObjectOrNone] = None


class InvoiceLines(Payload):
    """The lines of an invoice."""

    data: Annotated[list[InvoiceLine], ObjectList] = Field(default_factory=list)


class PaymentReference(Payload):
    """What paid an invoice."""

    payment_intent: Identifier = None
    charge: Identifier = None


class InvoicePayment(Payload):
    """A payment of an invoice."""

    status: Text = ""
    payment: Annotated[PaymentReference | None, ObjectOrNone] = None

    @property
    def payment_id(self) -> str | None:
        """The PaymentIntent or charge, once it is paid."""
        if self.status != "paid" or self.payment is None:
            return None
        return self.payment.payment_intent or self.payment.charge


class InvoicePayments(Payload):
    """The payments of an invoice, or a list of them."""

    data: Annotated[list[InvoicePayment], ObjectList] = Field(default_factory=list)

    @property
    def payment_id(self) -> str | None:
        """The first paid one's number."""
        return next(filter(None, (one.payment_id for one in self.data)), None)


class Invoice(Payload):
    """An invoice of a subscription, or of something else."""

    id: Identifier = None
    status: Text = ""
    billing_reason: Text = ""
    # Before version 2025-03-31 these fields were at the top.
    payment_intent: Identifier = None
    subscription: Identifier = None
    subscription_details: Annotated[SubscriptionDetails | None, ObjectOrNone] = None
    parent: Annotated[InvoiceParent | None, ObjectOrNone] = None
    payments: Annotated[InvoicePayments | None, ObjectOrNone] = None
    lines: Annotated[InvoiceLines | None, ObjectOrNone] = None

    @property
    def details(self) -> SubscriptionDetails | None:
        """The subscription, where this version has it."""
        return (self.parent.subscription_details if self.parent else None) or self.subscription_details

    @property
    def subscription_id(self) -> str | None:
        """The subscription's number."""
        return (self.details.subscription if self.details else None) or self.subscription

    @property
    def order_id(self) -> int | None:
        """Our order's number, which the subscription carries."""
        metadata = self.details.metadata if self.details else None
        return parsing.order_number(metadata.order_id) if metadata else None

    @property
    def payment_id(self) -> str | None:
        """The PaymentIntent that paid it, as far as the invoice tells."""
        return self.payment_intent or (self.payments.payment_id if self.payments else None)


class PaidInvoice(Invoice):
    """An invoice that is paid."""

    id: RequiredIdentifier
    amount_paid: MinorUnits  # 0 when credit covered all
    currency: Currency

    def to_event(self, payment_id: str, new_event: NewEvent) -> PaymentEvent:
        """Return the payment of a period, or of something beside a period, which belongs to no order."""
        amount = major_units(self.amount_paid, self.currency)
        paid = partial(
            new_event, kind=EventKind.PAID, payment_id=payment_id, amount=amount, currency=self.currency
        )
        if self.billing_reason in _BESIDE_THE_PERIOD:
            return paid()
        lines = self.lines.data if self.lines else []
        return paid(
            is_invoice=self.subscription_id is not None,
            order_id=self.order_id,
            subscription_id=self.subscription_id,
            period_ends_at=_latest(line.period.end for line in lines if line.period),
        )


class State(Payload):
    """The status of a refund, dispute or subscription."""

    id: Identifier = None
    status: Text = ""
    created: Timestamp = None


class Moved(State):
    """Money that was moved by a refund or a dispute."""

    id: RequiredIdentifier
    payment_intent: Identifier = None
    charge: Identifier = None
    amount: MinorUnits
    currency: Currency
    reason: Text = ""
    failure_reason: Text = ""

    def to_event(self, kind: EventKind, new_event: NewEvent, reason: str) -> PaymentEvent:
        """Return it as an event.

        Raises:
            InvalidPayload: it names no payment.
        """
        payment_id = self.payment_intent or self.charge
        if payment_id is None:
            raise InvalidPayload("payment_intent: missing")
        return new_event(
            kind=kind,
            payment_id=payment_id,
            operation_id=self.id,
            amount=major_units(self.amount, self.currency),
            currency=self.currency,
            reason=reason,
        )


class SubscriptionItem(Payload):
    """An item of a subscription; current versions keep the period there."""

    current_period_end: Timestamp = None


class SubscriptionItems(Payload):
    """The items of a subscription."""

    data: Annotated[list[SubscriptionItem], ObjectList] = Field(default_factory=list)


class Subscription(WithOrder, State):
    """A subscription."""

    cancel_at_period_end: Annotated[bool, BeforeValidator(bool)] = False
    cancel_at: Annotated[bool, BeforeValidator(bool)] = False
    current_period_end: Timestamp = None
    items: Annotated[SubscriptionItems | None, ObjectOrNone] = None

    def to_event(self, new_event: NewEvent) -> PaymentEvent:
        """Return the state as an event."""
        kind = _SUBSCRIPTIONS.get(self.status, EventKind.OTHER)
        if kind is EventKind.SUBSCRIPTION_ACTIVE and (self.cancel_at_period_end or self.cancel_at):
            kind = EventKind.SUBSCRIPTION_CANCELED
        items = self.items.data if self.items else []
        ends = (self.current_period_end, *(item.current_period_end for item in items))
        return new_event(
            kind=kind,
            subscription_id=self.id,
            order_id=self.order_id,
            period_ends_at=_latest(ends),
            reason=self.status,
        )


def object_event(kind: str, found: Json, new_event: NewEvent) -> PaymentEvent:
    """Return what an event means, except `invoice.paid`; an unknown type is OTHER.

    Raises:
        InvalidPayload: it lacks what such an event must have.
    """
    readers: dict[str, Callable[[Json, NewEvent], PaymentEvent]] = {
        "invoice.payment_failed": _invoice_failed,
        "payment_intent.payment_failed": _attempt_failed,
        **dict.fromkeys(_REFUNDS, refund_event),
    }
    if kind in readers:
        return readers[kind](found, new_event)
    if kind.startswith("checkout.session."):
        return session_event(kind.removeprefix("checkout.session."), found, new_event)
    if kind.startswith("charge.dispute."):
        return dispute_event(found, new_event)
    if kind.startswith("customer.subscription."):
        return parse(Subscription, found).to_event(new_event)
    return new_event(kind=EventKind.OTHER)


def session_event(what: str, found: Json, new_event: NewEvent) -> PaymentEvent:
    """Return what happened to a Checkout session; invoices report the money of a subscription.

    Raises:
        InvalidPayload: it is paid, but has no amount.
    """
    session = parse(CheckoutSession, found)
    of_order = partial(new_event, order_id=session.order_id)
    if what == "expired":
        return of_order(kind=EventKind.CANCELED, reason="expired")
    if what == "async_payment_failed":
        return of_order(kind=EventKind.FAILED, payment_id=session.payment_intent)
    if what not in ("completed", "async_payment_succeeded") or session.mode != "payment":
        return of_order(kind=EventKind.OTHER)
    if what == "completed" and session.payment_status not in ("paid", "no_payment_required"):
        return of_order(kind=EventKind.PENDING, payment_id=session.payment_intent)
    paid = parse(PaidSession, found)
    payment_id = paid.payment_intent or paid.id
    if payment_id is None:
        raise InvalidPayload("payment_intent: missing")
    amount = major_units(paid.amount_total, paid.currency)
    return of_order(kind=EventKind.PAID, payment_id=payment_id, amount=amount, currency=paid.currency)


def refund_event(found: Json, new_event: NewEvent) -> PaymentEvent:
    """Return the state of a refund; one that is pending is OTHER.

    Raises:
        InvalidPayload: it lacks its payment or amount.
    """
    status = parse(State, found).status
    if status not in ("succeeded", "failed", "canceled"):
        return new_event(kind=EventKind.OTHER, reason=status)
    refund = parse(Moved, found)
    kind = EventKind.REFUNDED if status == "succeeded" else EventKind.REFUND_FAILED
    return refund.to_event(kind, new_event, refund.failure_reason or refund.reason)


def dispute_event(found: Json, new_event: NewEvent) -> PaymentEvent:
    """Return the state of a dispute; an inquiry is OTHER.

    Raises:
        InvalidPayload: it lacks its payment or amount.
    """
    status = parse(State, found).status
    kind = _DISPUTES.get(status, EventKind.OTHER)
    if kind is EventKind.OTHER:
        return new_event(kind=kind, reason=status)
    dispute = parse(Moved, found)
    return dispute.to_event(kind, new_event, dispute.reason)


def listed_refund(found: Json) -> WebhookEvent:
    """Return a refund of a list as an event."""
    return _listed("refund", found, refund_event)


def listed_dispute(found: Json) -> WebhookEvent:
    """Return a dispute of a list as an event."""
    return _listed("dispute", found, dispute_event)


def _listed(kind: str, found: Json, read: Callable[[Json, NewEvent], PaymentEvent]) -> WebhookEvent:
    """Return the state of a listed object as an event: lists have no event ids."""
    state = parse(State, found)
    event = read(found, partial(PaymentEvent, happened_at=state.created))
    key = f"listed:{parsing.text(found.get('id'))}:{state.status}"
    return WebhookEvent(key, (event,), f"{kind}.listed")


def _attempt_failed(found: Json, new_event: NewEvent) -> PaymentEvent:
    intent = parse(PaymentIntent, found)
    if intent.order_id is None:
        return new_event(kind=EventKind.OTHER)  # of a subscription: its invoice reports it
    reason = intent.last_payment_error.code if intent.last_payment_error else ""
    return new_event(kind=EventKind.FAILED, payment_id=intent.id, order_id=intent.order_id, reason=reason)


def _invoice_failed(found: Json, new_event: NewEvent) -> PaymentEvent:
    invoice = parse(Invoice, found)
    if invoice.billing_reason == "subscription_create":
        return new_event(kind=EventKind.FAILED, order_id=invoice.order_id)
    if invoice.subscription_id is None:
        return new_event(kind=EventKind.OTHER)
    return new_event(kind=EventKind.SUBSCRIPTION_PAST_DUE, subscription_id=invoice.subscription_id)


def _latest(moments: Iterable[datetime | None]) -> datetime | None:
    return max(filter(None, moments), default=None)
