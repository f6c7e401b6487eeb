"""What the fake server of a payment provider fills in."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from decimal import Decimal
from typing import Any, ClassVar

from tools.emulator.payments.callbacks import Callback
from tools.emulator.payments.invoices import Invoice, NotPossible
from tools.emulator.telegram import RawResponse
from tools.emulator.web import Request, Response

Json = dict[str, Any]


class ProviderContract(ABC):
    """One provider. Actions return the callbacks that the shop gets, in the order in which they arrive."""

    NAME: ClassVar[str]  # on the checkout page
    LANGUAGE: ClassVar[str] = "en"  # of the checkout page
    COLOUR: ClassVar[str]  # of the checkout page, in CSS
    PAUSES: ClassVar[tuple[float, ...]]  # seconds between two attempts to deliver a callback
    ADDRESS: ClassVar[str] = ""  # the source address of callbacks
    ACTIONS: ClassVar[tuple[str, ...]] = (
        "pay",
        "decline",
        "pay_later",
        "wrong_amount",
        "deliver_twice",
        "forge",
        "refund",
    )
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = ()  # of the checkout page, where it takes no cards
    page_size = 100  # objects on one page of a list
    SIGNATURES: ClassVar[tuple[str, ...]] = ()  # headers that carry the signature
    PAYABLE: ClassVar[frozenset[str]] = frozenset({"open"})  # states in which an invoice takes money

    @abstractmethod
    def environment(self, url: str) -> dict[str, str]:
        """Return the settings that point a function here; `url` is this fake server's own address."""

    @abstractmethod
    def api(self, request: Request, path: str) -> Response:
        """Answer a call of the shop; `path` is the part after this fake server's own address."""

    @abstractmethod
    def pay(self, invoice: Invoice, amount: Decimal) -> list[Callback]:
        """Let the payer pay `amount`."""

    @abstractmethod
    def decline(self, invoice: Invoice) -> list[Callback]:
        """Let the payer try, and the bank refuse."""

    @abstractmethod
    def forge(self, invoice: Invoice) -> list[Callback]:
        """Send a callback that says paid, signed without the secret."""

    def pay_later(self, invoice: Invoice) -> list[Callback]:
        """Let the payer pay; callbacks come late and, where there are several, out of order."""
        return self.pay(invoice, invoice.amount)

    def refund(self, invoice: Invoice) -> list[Callback]:
        """Refund what is left of the newest payment, as the shop does in the provider's dashboard."""
        raise NotPossible(f"{self.NAME} has no refunds.")

    def expire(self, invoice: Invoice) -> list[Callback]:
        """Let the time to pay run out."""
        raise NotPossible(f"{self.NAME} has no expiry.")

    def dispute(self, invoice: Invoice) -> list[Callback]:
        """Let the payer's bank charge the payment back."""
        raise NotPossible(f"{self.NAME} sends nothing about disputes.")

    def win_dispute(self, invoice: Invoice) -> list[Callback]:
        """Decide the dispute for the shop."""
        raise NotPossible(f"{self.NAME} sends nothing about disputes.")

    def lose_dispute(self, invoice: Invoice) -> list[Callback]:
        """Decide the dispute for the payer."""
        raise NotPossible(f"{self.NAME} sends nothing about disputes.")

    def fail_challenge(self, invoice: Invoice) -> list[Callback]:
        """Let the payer fail the bank's 3-D Secure page."""
        raise NotPossible(f"{self.NAME} has no 3-D Secure.")

    def renew(self, invoice: Invoice) -> list[Callback]:
        """Charge the next period of a subscription."""
        raise NotPossible(f"{self.NAME} renews nothing by itself.")

    def fail_renewal(self, invoice: Invoice) -> list[Callback]:
        """Fail to charge the next period of a subscription."""
        raise NotPossible(f"{self.NAME} renews nothing by itself.")

    def mend_renewal(self, invoice: Invoice) -> list[Callback]:
        """Let the next period be charged again."""
        raise NotPossible(f"{self.NAME} renews nothing by itself.")

    def remove_method(self, invoice: Invoice) -> list[Callback]:
        """Let the payer revoke the shop's permission to charge the card."""
        raise NotPossible(f"{self.NAME} saves no cards.")

    @abstractmethod
    def rewrite(self, callback: Callback, text: str, *, is_genuine: bool) -> Callback:
        """Return a callback with an edited body, signed anew: with the secret, or with another one."""

    def editable(self, callback: Callback) -> str:
        """Return a callback's body as text to edit."""
        body = callback.write(1)[1].decode("utf-8", "replace")
        try:
            return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
        except ValueError:
            return body

    def next_charge(self, invoice: Invoice) -> float | None:
        """Return when the provider charges the next period, as Unix time; None when it does not."""
        return None

    def is_ending(self, invoice: Invoice) -> bool:
        """Return whether the subscription ends with its current period instead of being charged."""
        return False

    def end_period(self, invoice: Invoice) -> list[Callback]:
        """End the last period of a canceled subscription."""
        raise NotPossible(f"{self.NAME} ends a subscription when it is canceled.")

    def is_accepted(self, response: RawResponse) -> bool:
        """Return whether the shop's response ends the attempts to deliver a callback."""
        return 200 <= response.status < 300
