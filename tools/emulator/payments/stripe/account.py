"""One Stripe account: its objects and its events."""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tools.emulator.payments.callbacks import Callback
from tools.emulator.payments.fake_server import FakePaymentServer
from tools.emulator.payments.invoices import Invoice
from tools.emulator.payments.stripe import objects

Json = dict[str, Any]


class Account(FakePaymentServer):
    """What the API and the payer's side have in common."""

    SECRET_KEY = "sk_test_emulator"  # noqa: S105  of no real account
    WEBHOOK_SECRET = "whsec_emulator"  # noqa: S105

    def forget(self) -> None:
        """Begin again without invoices and every other object of the account."""
        super().forget()
        self.asked: dict[str, Json] = {}
        self.intents: dict[str, Json] = {}
        self.stripe_invoices: dict[str, Json] = {}
        self.subscriptions: dict[str, Json] = {}
        self.refunds: list[Json] = []
        self.disputes: list[Json] = []
        self.events: list[Json] = []
        self.invoice_payments: list[Json] = []
        self.credit = 0  # of the customer, in minor units
        self._invoice_of: dict[str, Invoice] = {}  # by payment and by subscription

    def give_back(self, intent: Json, amount: int) -> Json:
        """Refund for the API."""
        refund, callbacks = self._given_back(intent, amount)
        self.send(self._invoice_of[intent["id"]], callbacks)
        return refund

    def refunded(self, intent: Json) -> int:
        """Return the refunded amount of a payment, in minor units."""
        mine = [one for one in self.refunds if one["payment_intent"] == intent["id"]]
        return sum(one["amount"] for one in mine if one["status"] == "succeeded")

    def fail_refund(self, refund_id: str) -> None:
        """Let a succeeded refund fail afterwards, as when the card was closed meanwhile."""
        with self.lock:
            refund = next(one for one in self.refunds if one["id"] == refund_id)
            refund |= {"status": "failed", "failure_reason": "expired_or_canceled_card"}
            invoice = self._invoice_of[refund["payment_intent"]]
            invoice.state = "paid"
            self.send(invoice, [self._event("refund.failed", refund)])

    def not_returnable(self, intent: Json) -> tuple[str, str]:
        """Return why the API gives nothing of a payment back: its words and code, both empty if it does."""
        charge = intent["latest_charge"]
        if any(one["payment_intent"] == intent["id"] and one["status"] != "won" for one in self.disputes):
            return f"Charge {charge} has been charged back.", "charge_disputed"
        if self.refunded(intent) == intent["amount"]:
            return f"Charge {charge} has already been refunded.", "charge_already_refunded"
        return "", ""

    def subscription_changed(self, subscription: Json) -> None:
        """Send the event of a change made through the API."""
        callbacks = [self._event("customer.subscription.updated", subscription)]
        self.send(self._invoice_of[subscription["id"]], callbacks)

    def _given_back(self, intent: Json, amount: int) -> tuple[Json, list[Callback]]:
        refund = objects.refund(intent, amount, self._now())
        self.refunds.append(refund)
        done = self.refunded(intent)
        if done == intent["amount"]:
            self._invoice_of[intent["id"]].state = "refunded"
        # A refund has two events.
        charge = objects.charge(intent, done)
        return refund, [self._event("charge.refunded", charge), self._event("refund.created", refund)]

    def _event(self, kind: str, found: Json) -> Callback:
        event = objects.event(kind, copy.deepcopy(found), self._now())
        self.events.append(event)
        return Callback(kind, self._signed(event, self.WEBHOOK_SECRET))

    def _signed(self, event: Json, secret: str) -> Callable[[int], tuple[dict[str, str], bytes]]:
        """Write an event; each attempt is signed with its own time."""
        body = json.dumps(event, indent=2, ensure_ascii=False).encode()
        return lambda _attempt: (self.signed(body, secret), body)

    def signed(self, body: bytes, secret: str) -> dict[str, str]:
        """Return the headers of an event, signed at this moment."""
        now = self._now()
        digest = hmac.new(secret.encode(), b"%d." % now + body, hashlib.sha256).hexdigest()
        return {
            "Stripe-Signature": f"t={now},v1={digest}",
            "Content-Type": "application/json; charset=utf-8",
        }

    def rewrite(self, callback: Callback, text: str, *, is_genuine: bool) -> Callback:
        """Sign an edited event."""
        body, secret = text.encode(), self.WEBHOOK_SECRET if is_genuine else "whsec_guessed"
        return replace(callback, write=lambda _attempt: (self.signed(body, secret), body))

    def _now(self) -> int:
        return int(self.clock.now())
