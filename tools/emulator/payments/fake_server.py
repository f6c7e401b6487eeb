"""What the fake servers of all payment providers share: invoices, buttons, callbacks and time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from tools.emulator.clock import Clock
from tools.emulator.payments.actions import RENEWALS
from tools.emulator.payments.callbacks import Callback, Callbacks
from tools.emulator.payments.faults import PaymentFaults
from tools.emulator.payments.invoices import Invoice, NotPossible, genuine
from tools.emulator.payments.rules import Rules
from tools.emulator.trace import Trace

Json = dict[str, Any]

RETRY_SECONDS = 86400.0  # between a failed renewal and the next attempt
LATER_SECONDS = 300.0  # of the provider; see callbacks.MINUTE


class FakePaymentServer(Rules):
    """The base of every provider's fake server."""

    def __init__(
        self,
        key: str,
        base: Callable[[], str],
        trace: Trace,
        retry_scale: float = 1.0,
        clock: Clock | None = None,
    ) -> None:
        self.key = key
        self.trace = trace
        self.clock = clock or Clock()
        self.lock = threading.RLock()
        self.faults = PaymentFaults()
        self._base = base
        self.callbacks = Callbacks(
            key, self.callback_url, self.PAUSES, self.is_accepted, trace, retry_scale, self.NAME
        )
        self.forget()

    def forget(self) -> None:
        """Begin again without invoices and whatever belongs to them."""
        with self.lock:
            self.invoices: dict[str, Invoice] = {}

    @property
    def url(self) -> str:
        """Return the address of this fake server."""
        return f"{self._base()}/pay/{self.key}"

    def callback_url(self) -> str:
        """Return the address of the shop's webhook."""
        return f"{self._base()}/payments/{self.key}"

    def checkout_url(self, invoice: Invoice) -> str:
        """Return the address of the checkout page of an invoice."""
        return f"{self.url}/checkout/{invoice.id}"

    def keep(self, invoice: Invoice) -> Invoice:
        """Store a new invoice."""
        with self.lock:
            invoice.created_at = self.clock.now()
            self.invoices[invoice.id] = invoice
        return invoice

    def act(self, invoice_id: str, action: str) -> None:
        """Press a button of an invoice's checkout page.

        Raises:
            KeyError: there is no such invoice.
            NotPossible: not with this invoice, not now.
        """
        with self.lock:
            invoice = self.invoices[invoice_id]
            if action not in self.actions(invoice):
                raise NotPossible(f"{self.NAME} has no button for this.")
            if reason := self.refusal(invoice, action):
                raise NotPossible(reason)
            self._do(invoice, action)

    def _do(self, invoice: Invoice, action: str) -> None:
        """Carry out an action: with `_<action>` where there is one, else send the callbacks of `<action>`."""
        own = getattr(self, f"_{action}", None)
        if own is not None:
            own(invoice)
        else:
            self.send(invoice, getattr(self, action)(invoice))

    def actions(self, invoice: Invoice) -> tuple[str, ...]:
        """Return the buttons of an invoice's checkout page."""
        return self.ACTIONS + (RENEWALS if invoice.is_subscription else ())

    def due_at(self, invoice: Invoice) -> float | None:
        """Return when an invoice expires or its next period is charged, as Unix time; None when neither."""
        if self.is_open(invoice):
            return invoice.expires_at if "expire" in self.ACTIONS else None
        if invoice.state not in ("paid", "refunded"):
            return None
        charge = self.next_charge(invoice)
        return None if charge is None else max(charge, invoice.retry_at or charge)

    def pass_time(self) -> list[tuple[str, str]]:
        """Carry out everything that is due by now and return it: (kind, words)."""
        happened: list[tuple[str, str]] = []
        with self.lock:
            for invoice in list(self.invoices.values()):
                due = self.due_at(invoice)
                if due is not None and due <= self.clock.now():
                    happened += [
                        (kind, f"{self.NAME}: {invoice.product}") for kind in self._fall_due(invoice, due)
                    ]
        return happened

    def _fall_due(self, invoice: Invoice, due: float) -> list[str]:
        if self.is_open(invoice):
            self._do(invoice, "expire")
            return ["expired"]
        if self.is_ending(invoice):
            self._do(invoice, "end_period")
            return ["ended"]
        if not invoice.is_card_empty:
            self._renew(invoice)
            return ["renewal"]
        invoice.retry_at = due + RETRY_SECONDS
        self._fail_renewal(invoice)
        return ["failed_renewal", *(["ended"] if self.next_charge(invoice) is None else [])]

    def send(self, invoice: Invoice, callbacks: list[Callback], after: float = 0.0) -> None:
        """Send callbacks to the shop, `after` seconds of the provider later."""
        invoice.callbacks += callbacks
        self.callbacks.send(callbacks, after)

    def _pay(self, invoice: Invoice) -> None:
        self.send(invoice, self.pay(invoice, invoice.amount))

    def _wrong_amount(self, invoice: Invoice) -> None:
        self.send(invoice, self.pay(invoice, max(Decimal(1), invoice.amount // 2)))

    def _pay_later(self, invoice: Invoice) -> None:
        self.send(invoice, self.pay_later(invoice), LATER_SECONDS)

    def _deliver_twice(self, invoice: Invoice) -> None:
        if not genuine(invoice):
            self._pay(invoice)
        # The second is sent while the first may still be in progress.
        self.callbacks.send(genuine(invoice))

    def _challenge(self, invoice: Invoice) -> None:
        invoice.state, invoice.state_before = "challenge", invoice.state

    def _pass_challenge(self, invoice: Invoice) -> None:
        invoice.state = invoice.state_before
        self._pay(invoice)

    def _fail_challenge(self, invoice: Invoice) -> None:
        invoice.state = invoice.state_before
        self.send(invoice, self.fail_challenge(invoice))

    def _renew(self, invoice: Invoice) -> None:
        charged = self.renew(invoice)
        # The charge is a payment of its own, so it can be refunded.
        invoice.state, invoice.retry_at, invoice.failures = "paid", None, 0
        self.send(invoice, charged)

    def _fail_renewal(self, invoice: Invoice) -> None:
        invoice.failures += 1  # first, because the last failure may end the subscription
        self.send(invoice, self.fail_renewal(invoice))

    def _empty_card(self, invoice: Invoice) -> None:
        invoice.is_card_empty = True

    def _fill_card(self, invoice: Invoice) -> None:
        invoice.is_card_empty = False
