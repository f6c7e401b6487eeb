"""What Crypto Pay sends: updates and invoices.

Source: https://help.send.tg/en/articles/10279948-crypto-pay-api, read on 2026-11-21.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Literal

from pydantic import model_validator

from shared.payments.events import EventKind, PaymentEvent
from shared.payments.payloads import (
    Amount,
    Number,
    OptionalCurrency,
    Payload,
    RequiredIdentifier,
    RequiredText,
    Text,
    Timestamp,
)

_KINDS = MappingProxyType(
    {"active": EventKind.PENDING, "paid": EventKind.PAID, "expired": EventKind.CANCELED}
)


class InvoiceReference(Payload):
    """What every update names of its invoice."""

    invoice_id: RequiredIdentifier
    status: Text = ""


class Update(Payload):
    """A webhook. `update_id` does not identify it: a retry has another one."""

    update_type: RequiredText  # invoice_paid is the only one documented
    payload: InvoiceReference


class Invoice(Payload):
    """An invoice in a fiat currency (`fiat`) or in coins (`asset`)."""

    invoice_id: RequiredIdentifier
    status: Literal["active", "paid", "expired"]
    amount: Amount
    currency_type: Text = ""
    fiat: OptionalCurrency = None
    asset: OptionalCurrency = None
    payload: Number = None  # the order, as `create` attached it
    created_at: Timestamp = None
    paid_at: Timestamp = None

    @model_validator(mode="after")
    def _has_currency(self) -> Invoice:
        if self.currency is None:
            raise ValueError("fiat or asset is missing")
        return self

    @property
    def currency(self) -> str | None:
        """The currency of `amount`."""
        return self.fiat if self.currency_type == "fiat" else self.asset

    def to_event(self, *, is_test: bool) -> PaymentEvent:
        """Return the current state as an event."""
        is_paid = self.status == "paid"
        return PaymentEvent(
            kind=_KINDS[self.status],
            payment_id=self.invoice_id,
            order_id=self.payload,
            amount=self.amount if is_paid else None,
            currency=self.currency if is_paid else None,
            is_test=is_test,
            happened_at=self.paid_at if is_paid else None,
        )


class PaidUpdate(Payload):
    """The update `invoice_paid`."""

    payload: Invoice
