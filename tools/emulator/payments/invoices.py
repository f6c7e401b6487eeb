"""Invoices: what a payer is asked to pay, at any provider."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tools.emulator.payments.callbacks import Callback

Json = dict[str, Any]


class NotPossible(Exception):
    """The provider would refuse this now; the message is a sentence for the page."""


@dataclass
class Invoice:
    """One invoice. `state` is for the page, `object` is the provider's own object. Times are Unix times."""

    id: str
    amount: Decimal
    currency: str
    title: str
    return_url: str = ""
    state: str = "open"  # open | pending | challenge | declined | paid | refunded | canceled
    state_before: str = ""  # the challenge
    is_subscription: bool = False
    object: Json = field(default_factory=dict)
    callbacks: list[Callback] = field(default_factory=list)
    prechecks: list[Callback] = field(default_factory=list)  # before the payment
    created_at: float = 0.0
    expires_at: float | None = None
    retry_at: float | None = None  # of a failed renewal
    failures: int = 0  # of renewals, in a row
    is_card_empty: bool = False  # the next renewal fails
    language: str = ""  # of the checkout page, where the shop chose one

    @property
    def product(self) -> str:
        """Return the title without the description, which some shops append."""
        return self.title.partition(". ")[0]


def genuine(invoice: Invoice) -> list[Callback]:
    """Return the callbacks of an invoice that the provider itself sent."""
    return [callback for callback in invoice.callbacks if not callback.is_forged]
