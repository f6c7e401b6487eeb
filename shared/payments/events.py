"""What a provider says happened, in our words. One callback may say nothing, one thing or several."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any


class EventKind(StrEnum):
    """What happened. Amounts belong to the operation, not to what became of the payment in all."""

    PENDING = "pending"  # the payer is at it, or the money is only held
    PAID = "paid"
    FAILED = "failed"  # an attempt failed; the payer may try again
    CANCELED = "canceled"  # given up or expired: no money will come, as far as the provider knows
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"  # a refund that was said to have happened did not
    DISPUTED = "disputed"  # the bank took the money back, until it is decided
    DISPUTE_WON = "dispute_won"
    DISPUTE_LOST = "dispute_lost"
    SUBSCRIPTION_ACTIVE = "subscription_active"
    SUBSCRIPTION_PAST_DUE = "subscription_past_due"  # a renewal failed, the provider tries again
    SUBSCRIPTION_CANCELED = "subscription_canceled"  # will not renew; what was paid still runs
    SUBSCRIPTION_ENDED = "subscription_ended"
    OTHER = "other"  # nothing that concerns us; kept with its event


CONTACT_REFUSED = "contact_refused"  # a reason: the provider does not take the contact for the receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentEvent:
    """One thing that happened.

    `payment_id` is the charge at the provider: one order can be charged twice, and a renewal is a charge
    without an order of its own. `operation_id` names the refund or dispute, or the payment again where the
    provider has no number for it. `amount` is in units of `currency` (in capitals: ISO 4217, an asset's code,
    or XTR for Stars): what was paid, or what this refund or dispute moved; with `is_total`, all refunds so
    far.
    """

    kind: EventKind
    payment_id: str | None = None
    order_id: int | None = None
    operation_id: str | None = None
    amount: Decimal | None = None
    currency: str | None = None
    fee: Decimal | None = None  # what of the amount went to an affiliate instead of to us (Stars)
    is_total: bool = False
    subscription_id: str | None = None
    period_ends_at: datetime | None = None
    has_buyer_terms: bool = False  # of a subscription whose amount the buyer may have written: it is compared
    is_invoice: bool = False  # of a period of our subscription: paid, whatever of it was charged (Stripe)
    telegram_id: int | None = None  # who paid, where the provider knows it by itself (Stars)
    payer: str | None = None  # by what the provider knows them, where it has no number (Prodamus: a phone)
    saved_method: str | None = None  # what a next period can be charged with (YooKassa)
    is_test: bool = False
    happened_at: datetime | None = None
    is_final: bool = False  # of a refusal: what was charged can never be charged again (YooKassa)
    reason: str = ""  # the provider's, for the log and the owner
    refund_id: int | None = None  # the refund of ours (table refunds) that this is the answer to

    def to_json(self) -> dict[str, Any]:
        """Return it for SQL: numbers as text, times in ISO 8601, what is unknown left out."""
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
    """One callback: `key` is the same for every repetition of it and of no other (unique per provider)."""

    key: str
    payment_events: tuple[PaymentEvent, ...]
    type: str = ""  # the provider's own name for it
