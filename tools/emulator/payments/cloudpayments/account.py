"""One CloudPayments account: its ledger and its notifications."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tools.emulator.payments.callbacks import Callback
from tools.emulator.payments.cloudpayments import notifications
from tools.emulator.payments.cloudpayments.ledger import Ledger
from tools.emulator.payments.fake_server import FakePaymentServer

Json = dict[str, Any]


class Account(FakePaymentServer):
    """What the API and the payer's side have in common.

    `style` (form or json) and `method` are how the account is set to send notifications.
    """

    PUBLIC_ID = "pk_emulator"

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.style = "form"
        self.method = "POST"
        self.secret = "emulator-cloudpayments"  # noqa: S105  good for nothing else

    def forget(self) -> None:
        """Begin again without invoices, transactions and subscriptions."""
        super().forget()
        self.ledger = Ledger(self.clock)

    def give_back(self, payment: Json, amount: Decimal) -> Json:
        """Refund `amount` of a payment and send its notification."""
        invoice = self.ledger.invoice_of(payment)
        original = {"Type": 1, "OriginalTransactionId": payment["TransactionId"]}
        refund = self.ledger.keep(self.ledger.transaction(invoice, amount, "Completed", **original))
        if not self.ledger.left(payment):
            invoice.state = "refunded"
        self.send(invoice, [self._notification("refund", notifications.refund_fields(refund))])
        return refund

    def notify_subscription(self, subscription: Json) -> None:
        """Send the notification of a changed subscription."""
        self.callbacks.send([self._recurrent(subscription)])

    def _recurrent(self, subscription: Json) -> Callback:
        return self._notification("recurrent", notifications.subscription_fields(subscription))

    def _notification(self, kind: str, fields: Json, *, is_forged: bool = False) -> Callback:
        secret = "guessed" if is_forged else self.secret
        return notifications.callback(
            kind,
            fields,
            secret,
            style=self.style,
            method=self.method,
            address=self.ADDRESS,
            is_forged=is_forged,
        )
