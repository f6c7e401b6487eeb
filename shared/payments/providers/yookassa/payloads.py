"""What YooKassa sends: webhooks, and the payments and refunds of its API.

Source: https://yookassa.ru/developers/using-api/webhooks, …/developers/api#payment_object and #refund_object,
read on 2026-11-21.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shared.payments.events import EventKind, PaymentEvent
from shared.payments.payloads import (
    Amount,
    Currency,
    Identifier,
    IsTrue,
    Number,
    ObjectOrNone,
    OptionalAmount,
    Payload,
    RequiredText,
    Text,
    Timestamp,
)
from shared.payments.providers.yookassa.requests import ID_PATTERN

ObjectId = Annotated[str, StringConstraints(pattern=f"^{ID_PATTERN}$")]

# Given up by the payer, by us or by time; every other reason is a failure.
_GIVEN_UP = frozenset(
    {
        "canceled_by_merchant",
        "expired_on_capture",
        "expired_on_confirmation",
        "permission_revoked",
        "deal_expired",
    }
)
# The saved method can never be charged again: it is wrong, blocked, revoked or not allowed for this.
_FINAL_REASONS = frozenset(
    {
        "card_expired",
        "country_forbidden",
        "fraud_suspected",
        "identification_required",
        "invalid_card_number",
        "invalid_csc",
        "payment_method_restricted",
        "permission_revoked",
        "unsupported_mobile_operator",
    }
)
_REFUNDS = MappingProxyType({"succeeded": EventKind.REFUNDED, "canceled": EventKind.REFUND_FAILED})


class NamedObject(Payload):
    """The object of a webhook, which is fetched by its id."""

    id: object = None


class Notification(Payload):
    """A webhook. It is not signed, so only its event and the id of its object are read."""

    type: Literal["notification"]
    event: RequiredText  # payment.succeeded, refund.succeeded, …
    subject: Annotated[NamedObject | None, ObjectOrNone] = Field(default=None, alias="object")


class Money(Payload):
    """An amount with two decimals, as text."""

    value: Amount
    currency: Currency


class RefundedAmount(Payload):
    """The sum of all refunds of a payment."""

    value: OptionalAmount = None


class Metadata(Payload):
    """What `create` attached to a payment."""

    order_id: Number = None


class CancellationDetails(Payload):
    """Why a payment or a refund was canceled."""

    reason: Text = ""


class PaymentMethod(Payload):
    """What was paid with; `saved` says that it can be charged again."""

    id: Identifier = None
    saved: IsTrue = False


class Payment(Payload):
    """A payment. `pending` and `waiting_for_capture` are not final."""

    id: ObjectId
    status: Literal["pending", "waiting_for_capture", "succeeded", "canceled"]
    amount: Money
    refunded_amount: Annotated[RefundedAmount | None, ObjectOrNone] = None
    metadata: Annotated[Metadata | None, ObjectOrNone] = None
    payment_method: Annotated[PaymentMethod | None, ObjectOrNone] = None
    cancellation_details: Annotated[CancellationDetails | None, ObjectOrNone] = None
    test: IsTrue = False
    captured_at: Timestamp = None
    created_at: Timestamp = None

    def to_event(self) -> PaymentEvent:
        """Return the current state as an event."""
        reason = self.cancellation_details.reason if self.cancellation_details else ""
        is_paid, method = self.status == "succeeded", self.payment_method
        return PaymentEvent(
            kind=self._kind(reason),
            payment_id=self.id,
            order_id=self.metadata.order_id if self.metadata else None,
            amount=self.amount.value if is_paid else None,
            currency=self.amount.currency if is_paid else None,
            saved_method=method.id if is_paid and method and method.saved else None,
            is_test=self.test,
            is_final=self.status == "canceled" and reason in _FINAL_REASONS,
            happened_at=self.captured_at or self.created_at,
            reason=reason,
        )

    def _kind(self, reason: str) -> EventKind:
        if self.status == "succeeded":
            return EventKind.PAID
        if self.status == "canceled":
            return EventKind.CANCELED if reason in _GIVEN_UP else EventKind.FAILED
        return EventKind.PENDING


class Refund(Payload):
    """A refund. Its status is pending, succeeded or canceled; an unknown one is not final."""

    id: ObjectId
    payment_id: ObjectId
    status: Text = ""
    amount: Money
    cancellation_details: Annotated[CancellationDetails | None, ObjectOrNone] = None
    created_at: Timestamp = None

    def to_event(self) -> PaymentEvent:
        """Return the current state as an event."""
        return PaymentEvent(
            kind=_REFUNDS.get(self.status, EventKind.OTHER),
            payment_id=self.payment_id,
            operation_id=self.id,
            amount=self.amount.value,
            currency=self.amount.currency,
            happened_at=self.created_at,
            reason=self.cancellation_details.reason if self.cancellation_details else "",
        )
