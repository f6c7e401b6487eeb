"""What CloudPayments sends: notifications as forms or JSON, and the transactions of its API.

Source: https://developers.cloudpayments.ru/#uvedomleniya and …/#prosmotr-operatsiy, read on 2026-11-21. In a
form every value is text; in JSON amounts and numbers are JSON numbers. Times without a zone are UTC.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict
from pydantic.alias_generators import to_pascal

from shared.payments import parsing
from shared.payments.events import EventKind, PaymentEvent, WebhookEvent
from shared.payments.payloads import (
    AmountOrNumber,
    Identifier,
    Number,
    OptionalCurrency,
    Payload,
    RequiredIdentifier,
    RequiredText,
    Text,
    UtcTimestamp,
)
from shared.payments.provider import InvalidPayload

_STATUSES = MappingProxyType(
    {
        "Completed": EventKind.PAID,
        "Authorized": EventKind.PENDING,
        "AwaitingAuthentication": EventKind.PENDING,
        "Cancelled": EventKind.CANCELED,
        "Declined": EventKind.FAILED,
    }
)
_SUBSCRIPTIONS = MappingProxyType(
    {
        "Active": EventKind.SUBSCRIPTION_ACTIVE,
        "PastDue": EventKind.SUBSCRIPTION_PAST_DUE,
        "Cancelled": EventKind.SUBSCRIPTION_CANCELED,
        "Expired": EventKind.SUBSCRIPTION_CANCELED,  # all periods are paid: the last one still runs
        "Rejected": EventKind.SUBSCRIPTION_ENDED,  # three charges failed after the paid period
    }
)
_PAYMENT = 0  # Transaction.type
TransactionId = Annotated[int, BeforeValidator(parsing.order_number)]
Flag = Annotated[bool, BeforeValidator(lambda value: str(value).lower() in ("1", "true"))]


class CloudPaymentsPayload(Payload):
    """A payload whose fields are in PascalCase."""

    model_config = ConfigDict(alias_generator=to_pascal)


class Notification(CloudPaymentsPayload):
    """A notification about a payment or a refund: check, pay, confirm, fail, cancel or refund."""

    transaction_id: TransactionId
    amount: AmountOrNumber
    currency: OptionalCurrency = None  # Cancel and Refund have none
    invoice_id: Number = None  # the order
    account_id: Number = None  # the Telegram id
    subscription_id: Identifier = None
    payment_transaction_id: Identifier = None  # of a refund: the payment
    operation_type: Text = ""  # Payment, Refund or CardPayout
    status: Text = ""  # of Pay: Completed, or Authorized in two steps
    test_mode: Flag = False
    date_time: UtcTimestamp = None
    reason_code: Identifier = None
    reason: Text = ""

    def to_event(self, kind: str) -> PaymentEvent:
        """Return it as an event; `kind` is the last part of the webhook's path.

        Raises:
            InvalidPayload: a payment has no currency, or a refund no payment.
        """
        if self.operation_type == "CardPayout":  # a payout of ours is no payment
            return self._event(EventKind.OTHER)
        if kind == "refund" or self.operation_type == "Refund":
            return self._refund(kind)
        kinds = {
            "pay": _STATUSES.get(self.status, EventKind.OTHER),
            "confirm": EventKind.PAID,
            "fail": EventKind.FAILED,
            "cancel": EventKind.CANCELED,
            "check": EventKind.PENDING,
        }
        found = kinds.get(kind, EventKind.OTHER)
        if found is EventKind.PAID and self.currency is None:
            raise InvalidPayload("Currency: missing")
        return self._event(found, payment_id=str(self.transaction_id))

    def _refund(self, kind: str) -> PaymentEvent:
        payment = self.payment_transaction_id
        if payment is None and kind == "refund":
            raise InvalidPayload("PaymentTransactionId: missing")
        failed = EventKind.REFUND_FAILED if payment else EventKind.OTHER
        found = failed if kind == "fail" else EventKind.REFUNDED
        return self._event(found, payment_id=payment, operation_id=str(self.transaction_id))

    def _event(
        self, kind: EventKind, *, payment_id: str | None = None, operation_id: str | None = None
    ) -> PaymentEvent:
        return PaymentEvent(
            kind=kind,
            payment_id=payment_id,
            operation_id=operation_id,
            order_id=self.invoice_id,
            amount=self.amount,
            currency=self.currency,
            telegram_id=self.account_id,
            subscription_id=self.subscription_id,
            has_buyer_terms=self.subscription_id is not None,  # it may have begun in the buyer's browser
            is_test=self.test_mode,
            happened_at=self.date_time,
            reason=" ".join(filter(None, (self.reason_code, self.reason))),
        )


class Subscription(CloudPaymentsPayload):
    """The notification Recurrent: the state of a subscription."""

    id: RequiredIdentifier
    status: RequiredText
    account_id: Number = None
    next_transaction_date: UtcTimestamp = None  # while past due: of the next attempt
    successful_transactions_number: Identifier = None
    failed_transactions_number: Identifier = None

    def to_event(self, status: str) -> WebhookEvent:
        """Return it as an event; the counts tell repeated states apart.

        Args:
            status: the current one.
        """
        counts = (str(self.successful_transactions_number), str(self.failed_transactions_number))
        event = PaymentEvent(
            kind=_SUBSCRIPTIONS.get(status, EventKind.OTHER),
            subscription_id=self.id,
            telegram_id=self.account_id,
            period_ends_at=self.next_transaction_date if status == "Active" else None,
        )
        return WebhookEvent(":".join(("recurrent", self.id, self.status, *counts)), (event,), "recurrent")


class Transaction(CloudPaymentsPayload):
    """A payment or a refund in an answer of the API; a refund has `original_transaction_id`."""

    transaction_id: Identifier = None
    original_transaction_id: Number = None
    amount: AmountOrNumber
    currency: OptionalCurrency = None
    invoice_id: Number = None
    account_id: Number = None
    subscription_id: Identifier = None
    status: Text = ""
    type: object = None
    test_mode: Flag = False
    confirm_date_iso: UtcTimestamp = None
    created_date_iso: UtcTimestamp = None
    reason: Text = ""

    def to_payment_event(self) -> PaymentEvent:
        """Return the current state of a payment as an event."""
        return PaymentEvent(
            kind=_STATUSES.get(self.status, EventKind.OTHER),
            payment_id=self.transaction_id,
            order_id=self.invoice_id,
            amount=self.amount,
            currency=self.currency,
            telegram_id=self.account_id,
            subscription_id=self.subscription_id,
            has_buyer_terms=self.subscription_id is not None,
            is_test=self.test_mode,
            happened_at=self.confirm_date_iso or self.created_date_iso,
            reason=self.reason,
        )

    def to_refund_event(self, order_id: int | None) -> PaymentEvent:
        """Return the current state of a refund as an event."""
        return PaymentEvent(
            kind=EventKind.REFUNDED if self.status == "Completed" else EventKind.OTHER,
            payment_id=str(self.original_transaction_id),
            order_id=order_id,
            operation_id=self.transaction_id,
            amount=self.amount,
            currency=self.currency,
            is_test=self.test_mode,
            happened_at=self.created_date_iso,
        )


class ListedTransaction(Transaction):
    """A transaction of a list."""

    transaction_id: RequiredIdentifier

    def to_event(self) -> WebhookEvent | None:
        """Return it as the webhook that should have reported it; None when no money came in or went back."""
        if self.status != "Completed":
            return None
        if self.original_transaction_id is not None:
            return WebhookEvent(
                f"refund:{self.transaction_id}", (self.to_refund_event(self.invoice_id),), "refund"
            )
        if self.type not in (_PAYMENT, None):
            return None
        return WebhookEvent(f"pay:{self.transaction_id}", (self.to_payment_event(),), "pay")
