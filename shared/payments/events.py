"""Payment events: what providers report, in our terms. A webhook holds any number of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class EventKind(StrEnum):
    """What happened. Amounts are those of the operation, not the payment's totals."""

    PENDING = "pending"  # the payer has not finished, or the money is only held
    PAID = "paid"
    FAILED = "failed"  # an attempt failed; the payer may try again
    CANCELED = "canceled"  # abandoned or expired: the provider expects no money
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"  # a refund that was reported as done failed later
    DISPUTED = "disputed"  # the bank took the money back until its decision
    DISPUTE_WON = "dispute_won"
    DISPUTE_LOST = "dispute_lost"
    SUBSCRIPTION_ACTIVE = "subscription_active"
    SUBSCRIPTION_PAST_DUE = "subscription_past_due"  # a renewal failed, the provider retries
    SUBSCRIPTION_CANCELED = "subscription_canceled"  # will not renew; the paid period continues
    SUBSCRIPTION_ENDED = "subscription_ended"
    OTHER = "other"  # changes nothing; stored with its webhook


CONTACT_REFUSED = "contact_refused"  # a reason: the provider refuses the contact for the receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentEvent:
    """One operation on a payment or subscription.

    `payment_id` is the provider's charge: one order can be charged twice, and a renewal is a charge without
    an order of its own. `operation_id` is the refund or dispute, or the payment again where the provider has
    no id for it. `amount` is in units of `currency` (in capitals: ISO 4217, an asset's code, or XTR for
    Stars): the amount paid, refunded or disputed by this operation; with `is_total`, the sum of all refunds.
    """

    kind: EventKind
    payment_id: str | None = None
    order_id: int | None = None
    operation_id: str | None = None
    amount: Decimal | None = None
    currency: str | None = None
    fee: Decimal | None = None  # the affiliate's part of the amount (Stars)
    is_total: bool = False
    subscription_id: str | None = None
    period_ends_at: datetime | None = None
    has_buyer_terms: bool = False  # the buyer can change the subscription's amount: compare it
    is_invoice: bool = False  # it pays a period whatever its amount: credit or tax (Stripe)
    telegram_id: int | None = None  # the payer, if the provider itself knows them (Stars)
    payer: str | None = None  # identifies the subscriber without an id (Prodamus: a phone)
    saved_method: str | None = None  # with which the next period can be charged (YooKassa)
    is_test: bool = False
    happened_at: datetime | None = None
    is_final: bool = False  # the refused method can never be charged again (YooKassa)
    reason: str = ""  # the provider's reason, for the log and the admins
    refund_id: int | None = None  # our refund (table refunds) that this answers

    def to_json(self) -> dict[str, object]:
        """Return it for SQL: amounts as text, times in ISO 8601, without unset fields."""
        known = asdict(self).items()
        values = {
            name: value for name, value in known if not (value is None or value is False or value == "")
        }
        for name, value in values.items():
            if isinstance(value, Decimal):
                values[name] = format(value, "f")
            elif isinstance(value, datetime):
                values[name] = value.isoformat()
        return values


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """A webhook. `key` is its idempotency key: the same for each retry, unique per provider."""

    key: str
    payment_events: tuple[PaymentEvent, ...]
    type: str = ""  # the provider's name of it
