"""What Telegram reports about Stars: payments, refunds, subscriptions and listed transactions.

Source: https://core.telegram.org/bots/api (10.3): SuccessfulPayment, RefundedPayment, StarTransaction. The
invoice's payload is our order's number. Amounts are whole Stars; a transaction may add billionths.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from shared.payments import parsing
from shared.payments.events import EventKind, PaymentEvent, WebhookEvent
from shared.payments.payloads import ObjectOrNone, Payload, RequiredText, Text
from shared.payments.providers.telegram_stars.charges import CURRENCY, refund_id

_STATES = MappingProxyType(
    {
        "canceled": EventKind.SUBSCRIPTION_CANCELED,
        "active": EventKind.SUBSCRIPTION_ACTIVE,
        "failed": EventKind.SUBSCRIPTION_PAST_DUE,
    }
)


def _from_unix_time(value: object) -> object:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return parsing.timestamp(value) if is_number else value


UnixTime = Annotated[datetime, BeforeValidator(_from_unix_time)]
StarCurrency = Annotated[str, Field(min_length=1, max_length=12)]


class User(Payload):
    """A user."""

    id: int


class Chat(Payload):
    """A chat; a private one has the id of its user."""

    id: int
    type: Text = ""


class Invoiced(Payload):
    """What a payment and its refund have in common."""

    telegram_payment_charge_id: RequiredText
    invoice_payload: Annotated[str, BeforeValidator(parsing.text)]
    total_amount: int
    currency: StarCurrency


class SuccessfulPayment(Invoiced):
    """A payment; `subscription_expiration_date` is set for a period of a subscription."""

    subscription_expiration_date: UnixTime | None = None


class PaymentMessage(Payload):
    """A message about a payment."""

    sender: User = Field(alias="from")
    date: UnixTime
    successful_payment: SuccessfulPayment

    def to_event(self) -> WebhookEvent:
        """Return it as an event."""
        payment = self.successful_payment
        charge, ends_at = payment.telegram_payment_charge_id, payment.subscription_expiration_date
        event = PaymentEvent(
            kind=EventKind.PAID,
            payment_id=charge,
            order_id=parsing.order_number(payment.invoice_payload),
            amount=Decimal(payment.total_amount),
            currency=payment.currency.upper(),
            subscription_id=payment.invoice_payload if ends_at else None,
            period_ends_at=ends_at,
            telegram_id=self.sender.id,
            happened_at=self.date,
        )
        return WebhookEvent(f"payment:{charge}", (event,), "successful_payment")


class RefundMessage(Payload):
    """A message about a refund, which is always of the whole payment."""

    chat: Chat
    date: UnixTime
    refunded_payment: Invoiced

    def to_event(self) -> WebhookEvent:
        """Return it as an event."""
        payment = self.refunded_payment
        charge = payment.telegram_payment_charge_id
        event = PaymentEvent(
            kind=EventKind.REFUNDED,
            payment_id=charge,
            order_id=parsing.order_number(payment.invoice_payload),
            operation_id=refund_id(charge),
            amount=Decimal(payment.total_amount),
            currency=payment.currency.upper(),
            is_total=True,
            telegram_id=self.chat.id if self.chat.type == "private" else None,
            happened_at=self.date,
        )
        return WebhookEvent(f"refund:{charge}", (event,), "refunded_payment")


class Subscription(Payload):
    """The new state of a subscription."""

    user: User
    invoice_payload: Annotated[str, BeforeValidator(parsing.text)]
    state: Annotated[str, BeforeValidator(parsing.text)]


class SubscriptionUpdate(Payload):
    """An update about a subscription."""

    update_id: int
    subscription: Subscription

    def to_event(self) -> WebhookEvent:
        """Return it as an event. The key has the update: a subscription can be canceled more than once."""
        one = self.subscription
        event = PaymentEvent(
            kind=_STATES.get(one.state, EventKind.OTHER),
            order_id=parsing.order_number(one.invoice_payload),
            subscription_id=one.invoice_payload,
            telegram_id=one.user.id,
            reason=one.state,
        )
        key = f"subscription:{one.invoice_payload}:{one.state}:{self.update_id}"
        return WebhookEvent(key, (event,), "subscription")


class Stars(Payload):
    """An amount of Stars and billionths of a Star; a refund of an affiliate's commission is negative."""

    amount: int = 0
    nanostar_amount: int = 0

    def stars(self) -> Decimal:
        """Return the absolute amount."""
        return abs(Decimal(self.amount) + Decimal(self.nanostar_amount).scaleb(-9)).normalize()


class Partner(Payload):
    """The other side of a sale (`transaction_type` is `invoice_payment`)."""

    type: Literal["user"]
    transaction_type: Literal["invoice_payment"]
    user: User
    invoice_payload: Annotated[str, BeforeValidator(parsing.text)]
    subscription_period: object = None
    affiliate: Annotated[Stars | None, ObjectOrNone] = None


class Transaction(Stars):
    """A transaction of getStarTransactions: money in has a source, money out a receiver."""

    id: RequiredText
    date: UnixTime
    source: Partner | None = None
    receiver: Partner | None = None

    def to_event(self) -> PaymentEvent | None:
        """Return it as an event; None if it names neither side."""
        is_refund = self.source is None
        partner = self.receiver if is_refund else self.source
        if partner is None:
            return None
        # Telegram lists what the bot received; the buyer also paid the affiliate's commission.
        fee = partner.affiliate.stars() if partner.affiliate else Decimal(0)
        return PaymentEvent(
            kind=EventKind.REFUNDED if is_refund else EventKind.PAID,
            payment_id=self.id,
            order_id=parsing.order_number(partner.invoice_payload),
            operation_id=refund_id(self.id) if is_refund else None,
            amount=self.stars() + fee,
            currency=CURRENCY,
            fee=fee or None,
            is_total=is_refund,
            subscription_id=partner.invoice_payload if partner.subscription_period else None,
            telegram_id=partner.user.id,
            happened_at=self.date,
        )
