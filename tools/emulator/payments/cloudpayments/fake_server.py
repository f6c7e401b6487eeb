"""The payer's side of CloudPayments, and the callbacks that the shop gets."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from tools.emulator.payments.actions import CHALLENGES
from tools.emulator.payments.callbacks import MINUTE, Callback
from tools.emulator.payments.cloudpayments import notifications
from tools.emulator.payments.cloudpayments.account import Account
from tools.emulator.payments.cloudpayments.api import Api
from tools.emulator.payments.cloudpayments.ledger import NO_FUNDS, NOT_AUTHENTICATED, a_month_after
from tools.emulator.payments.fake_server import FakePaymentServer
from tools.emulator.payments.invoices import Invoice, NotPossible
from tools.emulator.telegram import RawResponse
from tools.emulator.web import Request, Response

Json = dict[str, Any]

FAILURES = 3  # in a row end a subscription
REFUSED = 3008  # the reason code when the shop gave no valid answer
REFUSALS: dict[int | None, str] = {
    10: "the order is unknown",
    11: "the order belongs to another user",
    12: "the amount differs",
    13: "it cannot take the payment",
    20: "the order has expired",
}


class FakeServer(Account):
    """Orders by link."""

    NAME = "CloudPayments"
    LANGUAGE = "ru"
    COLOUR = "#2462d1"
    PAUSES = (1 * MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, *([30 * MINUTE] * 95))
    ADDRESS = "87.251.91.165"
    PAYABLE = frozenset({"open", "declined"})  # one order can be tried again
    ACTIONS = (*FakePaymentServer.ACTIONS, "expire", *CHALLENGES)
    SIGNATURES = ("Content-HMAC", "X-Content-HMAC")

    def forget(self) -> None:
        """Begin again without the account's objects and the responses of its API."""
        super().forget()
        self._api = Api(self)

    def environment(self, url: str) -> dict[str, str]:
        """Return the settings that point a function here."""
        return {
            "CLOUDPAYMENTS_PUBLIC_ID": self.PUBLIC_ID,
            "CLOUDPAYMENTS_API_SECRET": self.secret,
            "CLOUDPAYMENTS_API_URL": url,
        }

    def api(self, request: Request, path: str) -> Response:
        """Answer a call of the shop's."""
        return self._api.handle(request, path)

    def is_accepted(self, response: RawResponse) -> bool:
        """Return whether the response is {"code": 0}, its only word for success."""
        return _code(response) == 0

    def pay(self, invoice: Invoice, amount: Decimal) -> list[Callback]:
        """Ask the shop, take the money and notify it; a subscription begins."""
        transaction = self._try(invoice, amount)
        transaction["Status"] = "Completed"
        invoice.state = "paid"
        invoice.object["TransactionId"] = transaction["TransactionId"]
        if not invoice.is_subscription:
            return [self._notification("pay", notifications.transaction_fields(transaction))]
        subscription = self.ledger.subscribe(invoice, amount)
        transaction["SubscriptionId"] = invoice.object["SubscriptionId"] = subscription["Id"]
        return [
            self._notification("pay", notifications.transaction_fields(transaction)),
            self._recurrent(subscription),
        ]

    def decline(self, invoice: Invoice) -> list[Callback]:
        """Ask, try, and be refused by the bank; the order stays payable."""
        return self._declined(invoice, NO_FUNDS)

    def fail_challenge(self, invoice: Invoice) -> list[Callback]:
        """Ask, try, and not pass the bank's page; the order stays payable."""
        return self._declined(invoice, NOT_AUTHENTICATED)

    def expire(self, invoice: Invoice) -> list[Callback]:
        """Let the order run out; there is no callback."""
        invoice.state = "canceled"
        return []

    def _declined(self, invoice: Invoice, reason: Json) -> list[Callback]:
        transaction = self._try(invoice, invoice.amount)
        transaction |= {"Status": "Declined", **reason}
        invoice.state = "declined"
        return [self._notification("fail", notifications.transaction_fields(transaction))]

    def pay_later(self, invoice: Invoice) -> list[Callback]:
        """Fail first and succeed then; the callback of the failure comes last."""
        failed = self.decline(invoice)
        return [*reversed(self.pay(invoice, invoice.amount)), *failed]

    def forge(self, invoice: Invoice) -> list[Callback]:
        """Send a callback that says paid, signed with another secret."""
        fields = notifications.transaction_fields(
            self.ledger.transaction(invoice, invoice.amount, "Completed")
        )
        return [self._notification("pay", fields, is_forged=True)]

    def refund(self, invoice: Invoice) -> list[Callback]:
        """Refund what is left of the payment; the callback is sent at once."""
        payment = self.ledger.get(invoice.object["TransactionId"])
        if payment is not None:
            self.give_back(payment, self.ledger.left(payment))
        return []

    def renew(self, invoice: Invoice) -> list[Callback]:
        """Charge the next month: a payment without an order of the shop's."""
        subscription = self._running(invoice)
        subscription |= {"Status": "Active", "FailedTransactionsNumber": 0}
        subscription["SuccessfulTransactionsNumber"] += 1
        subscription["NextTransactionDateIso"] = a_month_after(subscription["NextTransactionDateIso"])
        more = {"SubscriptionId": subscription["Id"], "InvoiceId": None}
        charge = self.ledger.keep(self.ledger.transaction(invoice, invoice.amount, "Completed", **more))
        invoice.object["TransactionId"] = charge["TransactionId"]  # refunds are of the newest payment
        return [
            self._notification("pay", notifications.transaction_fields(charge)),
            self._recurrent(subscription),
        ]

    def fail_renewal(self, invoice: Invoice) -> list[Callback]:
        """Fail to charge the next month; the third failure in a row ends the subscription."""
        subscription = self._running(invoice)
        subscription["FailedTransactionsNumber"] += 1
        has_ended = subscription["FailedTransactionsNumber"] >= FAILURES
        subscription["Status"] = "Rejected" if has_ended else "PastDue"
        more = {"SubscriptionId": subscription["Id"], "InvoiceId": None, **NO_FUNDS}
        charge = self.ledger.keep(self.ledger.transaction(invoice, invoice.amount, "Declined", **more))
        return [
            self._notification("fail", notifications.transaction_fields(charge)),
            self._recurrent(subscription),
        ]

    def editable(self, callback: Callback) -> str:
        """Return the fields of a callback, form or not."""
        text = callback.query or callback.write(1)[1].decode("utf-8", "replace")
        fields = json.loads(text) if text.startswith("{") else dict(parse_qsl(text, keep_blank_values=True))
        return json.dumps(fields, indent=2, ensure_ascii=False)

    def rewrite(self, callback: Callback, text: str, *, is_genuine: bool) -> Callback:
        """Sign edited fields in the style that is set."""
        fields = json.loads(text)
        if not isinstance(fields, dict):
            raise ValueError("the fields are an object")
        made = self._notification(callback.kind, fields, is_forged=not is_genuine)
        return replace(made, id=callback.id, title=callback.title)

    def next_charge(self, invoice: Invoice) -> float | None:
        """Return a month after the last charge."""
        found = self.ledger.running(invoice.object.get("SubscriptionId", ""))
        if found is None:
            return None
        following = datetime.fromisoformat(found["NextTransactionDateIso"])
        return following.replace(tzinfo=UTC).timestamp()

    def _try(self, invoice: Invoice, amount: Decimal) -> Json:
        """Ask the shop; raises NotPossible unless it agrees."""
        transaction = self.ledger.keep(self.ledger.transaction(invoice, amount, "AwaitingAuthentication"))
        question = self._notification("check", notifications.transaction_fields(transaction))
        invoice.prechecks.append(question)
        code = _code(self.callbacks.ask(question))
        if code == 0:
            return transaction
        transaction |= {"Status": "Declined", "Reason": "Refused by the shop", "ReasonCode": code or REFUSED}
        raise NotPossible(f"The shop refuses the payment: {REFUSALS.get(code, 'no answer')}.")

    def _running(self, invoice: Invoice) -> Json:
        found = self.ledger.running(invoice.object.get("SubscriptionId", ""))
        if found is None:
            raise NotPossible("There is no subscription, or it has ended.")
        return found


def _code(response: RawResponse) -> int | None:
    """Return the code of an answer; none when the answer makes no sense to CloudPayments."""
    try:
        code = response.json()["code"] if response.status == 200 else None
    except (ValueError, KeyError, TypeError):
        return None
    return code if isinstance(code, int) else None
