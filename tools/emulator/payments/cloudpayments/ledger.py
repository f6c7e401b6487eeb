"""The transactions and subscriptions that CloudPayments keeps."""

from __future__ import annotations

import itertools
import time
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tools.emulator.clock import Clock
from tools.emulator.payments.invoices import Invoice

Json = dict[str, Any]

CARD = {
    "CardFirstSix": "424242",
    "CardLastFour": "4242",
    "CardType": "Visa",
    "CardExpDate": "12/34",
    "Name": "ANNA BUYER",
}
APPROVED: Json = {"Reason": "Approved", "ReasonCode": 0}
NOT_AUTHENTICATED: Json = {"Reason": "AuthenticationFailed", "ReasonCode": 5206}
NO_FUNDS: Json = {"Reason": "InsufficientFunds", "ReasonCode": 5051}
ENDED = ("Cancelled", "Rejected", "Expired")


class Ledger:
    """Numbers rise from run to run, as one database may outlive several."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.subscriptions: dict[str, Json] = {}
        self._transactions: dict[int, Json] = {}
        self._checkouts: dict[int, Invoice] = {}
        self._numbers = itertools.count(int(time.time() * 1000) % 10**10 + 10**9)

    def now(self) -> str:
        """Return the time as their API writes it: UTC, without saying so."""
        return self._clock.moment().replace(tzinfo=None).isoformat(timespec="seconds")

    def number(self) -> int:
        """Return a new number."""
        return next(self._numbers)

    def transaction(self, invoice: Invoice, amount: Decimal, status: str, **more: Any) -> Json:
        """Make a transaction of an invoice; it counts once it is kept."""
        number = self.number()
        self._checkouts[number] = invoice
        return {
            "TransactionId": number,
            "Amount": float(amount),
            "Currency": invoice.currency,
            "InvoiceId": invoice.object.get("InvoiceId"),
            "AccountId": invoice.object.get("AccountId"),
            "Email": invoice.object.get("Email"),
            "Description": invoice.title,
            "JsonData": invoice.object.get("JsonData"),
            "CreatedDateIso": self.now(),
            "TestMode": True,
            "Status": status,
            "Type": 0,
            "OriginalTransactionId": None,
            "SubscriptionId": None,
            **APPROVED,
            **CARD,
            **more,
        }

    def keep(self, transaction: Json) -> Json:
        """Keep it."""
        self._transactions[transaction["TransactionId"]] = transaction
        return transaction

    def invoice_of(self, transaction: Json) -> Invoice:
        """Return the invoice that a transaction belongs to."""
        return self._checkouts[transaction["TransactionId"]]

    def get(self, number: Any) -> Json | None:
        """Return a transaction by its number."""
        return self._transactions.get(int(number)) if str(number).isdecimal() else None

    def of_invoice(self, invoice: str) -> list[Json]:
        """Return the transactions of an order of the shop's, the oldest first."""
        return [one for one in self._transactions.values() if one["InvoiceId"] == invoice]

    def made_between(self, first: str, last: str) -> list[Json]:
        """Return the transactions made between two moments, the oldest first."""
        return [one for one in self._transactions.values() if first <= one["CreatedDateIso"] <= last]

    def left(self, payment: Json) -> Decimal:
        """Return how much of a payment is not refunded yet."""
        given = (
            money(one["Amount"])
            for one in self._transactions.values()
            if one["OriginalTransactionId"] == payment["TransactionId"]
        )
        return money(payment["Amount"]) - sum(given, Decimal(0))

    def subscribe(self, invoice: Invoice, amount: Decimal) -> Json:
        """Begin a subscription with its first month."""
        begin = self.now()
        subscription: Json = {
            "Id": f"sc_{self.number():x}",
            "AccountId": invoice.object.get("AccountId"),
            "Description": invoice.title,
            "Email": invoice.object.get("Email"),
            "Amount": float(amount),
            "Currency": invoice.currency,
            "RequireConfirmation": False,
            "StartDateIso": begin,
            "Interval": "Month",
            "Period": 1,
            "Status": "Active",
            "SuccessfulTransactionsNumber": 1,
            "FailedTransactionsNumber": 0,
            "NextTransactionDateIso": a_month_after(begin),
        }
        self.subscriptions[subscription["Id"]] = subscription
        return subscription

    def running(self, name: str) -> Json | None:
        """Return a subscription that has not ended."""
        found = self.subscriptions.get(name)
        return found if found and found["Status"] not in ENDED else None


def money(value: Any) -> Decimal:
    """Return an amount as it is; 0 when it is none, or has more than two digits after the point."""
    try:
        amount = Decimal(str(value))
        is_usable = amount.is_finite() and amount > 0 and amount == amount.quantize(Decimal("0.01"))
    except ArithmeticError:
        return Decimal(0)
    return amount if is_usable else Decimal(0)


def a_month_after(moment: str) -> str:
    """Return when the next month begins."""
    return (datetime.fromisoformat(moment) + timedelta(days=30)).isoformat(timespec="seconds")
