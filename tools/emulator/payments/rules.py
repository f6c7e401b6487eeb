"""Which actions an invoice allows now, and why not: in the provider's words where they are known."""

from __future__ import annotations

from collections.abc import Callable

from tools.emulator.payments.actions import TRIES
from tools.emulator.payments.contract import ProviderContract
from tools.emulator.payments.invoices import Invoice, genuine

NOT_PAYABLE = {
    "pending": "It is being paid already.",
    "challenge": "The payer is at the bank’s page already.",
    "declined": "It is declined already: a new payment is needed.",
    "paid": "It is paid already.",
    "refunded": "It is refunded already.",
    "canceled": "It has expired already.",
}


class Rules(ProviderContract):
    """The rules that most providers share; a provider overrides those of its own."""

    def refusal(self, invoice: Invoice, action: str) -> str:
        """Return why the provider would refuse an action now; empty when it would not."""
        if action in TRIES:
            return self.not_payable(invoice)
        checks: dict[str, Callable[[Invoice], str]] = {
            "pass_challenge": _not_challenged,
            "fail_challenge": _not_challenged,
            "expire": self.not_expirable,
            "deliver_twice": self._nothing_to_repeat,
            "refund": self.not_refundable,
            "renew": self.not_renewable,
            "fail_renewal": self.not_running,
            "empty_card": lambda invoice: (
                self.not_running(invoice) or _if(invoice.is_card_empty, "It is empty already.")
            ),
            "fill_card": lambda invoice: _if(not invoice.is_card_empty, "The card has money."),
        }
        return checks[action](invoice) if action in checks else ""

    def not_payable(self, invoice: Invoice) -> str:
        """Return why an invoice takes no money."""
        return "" if invoice.state in self.PAYABLE else NOT_PAYABLE[invoice.state]

    def not_expirable(self, invoice: Invoice) -> str:
        """Return why an invoice cannot expire."""
        return "" if self.is_open(invoice) else NOT_PAYABLE[invoice.state]

    def not_refundable(self, invoice: Invoice) -> str:
        """Return why the newest payment of an invoice cannot be refunded."""
        if invoice.state == "refunded":
            return NOT_PAYABLE["refunded"]
        return _if(invoice.state != "paid", "Nothing is paid that could be given back.")

    def not_running(self, invoice: Invoice) -> str:
        """Return why no further period of a subscription is charged."""
        if invoice.state not in ("paid", "refunded"):
            return "The first period isn’t paid."
        if self.next_charge(invoice) is None:
            return "There is no subscription, or it has ended."
        return _if(self.is_ending(invoice), "The subscription is canceled: it ends with its period.")

    def not_renewable(self, invoice: Invoice) -> str:
        """Return why the next period cannot be charged now."""
        return self.not_running(invoice) or _if(invoice.is_card_empty, "The card has no money.")

    def _nothing_to_repeat(self, invoice: Invoice) -> str:
        if genuine(invoice) or not self.not_payable(invoice):
            return ""
        return "Nothing was sent that could be sent twice."

    def status(self, invoice: Invoice) -> str:
        """Return what the checkout page adds to the state of an invoice."""
        if not invoice.is_subscription or invoice.state not in ("paid", "refunded"):
            return ""
        if self.next_charge(invoice) is None:
            return "the subscription has ended"
        return _if(self.is_ending(invoice), "the subscription ends with this period")

    def is_open(self, invoice: Invoice) -> bool:
        """Return whether an invoice waits for its payer, who may be at the bank's page."""
        return invoice.state in self.PAYABLE or invoice.state == "challenge"


def _not_challenged(invoice: Invoice) -> str:
    return _if(invoice.state != "challenge", "The bank has not asked for 3-D Secure.")


def _if(condition: bool, sentence: str) -> str:
    return sentence if condition else ""
