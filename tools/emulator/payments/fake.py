"""The fake provider's other side: invoices in memory, events as JSON with one signature."""

from __future__ import annotations

import hmac
import json
import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tools.emulator.payments.callbacks import MINUTE, Callback
from tools.emulator.payments.fake_server import FakePaymentServer
from tools.emulator.payments.invoices import Invoice, NotPossible
from tools.emulator.telegram import RawResponse
from tools.emulator.web import Request, Response, json_response

Json = dict[str, Any]

DAYS = {"month": 30, "year": 365}


class Refused(Exception):
    """A refund of more than is left."""


class FakeServer(FakePaymentServer):
    """Carries out every action and sends its callback at once."""

    NAME = "Fake"
    COLOUR = "#5b5f6b"
    ACTIONS = (*FakePaymentServer.ACTIONS, "expire")
    SIGNATURES = ("X-Fake-Signature",)
    PAUSES = (10.0, 1 * MINUTE, 5 * MINUTE, *([30 * MINUTE] * 20))

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.secret = "emulator-fake-secret"  # noqa: S105  good for nothing else

    def forget(self) -> None:
        """Begin again without invoices, events and refunds."""
        super().forget()
        self.events: list[Json] = []  # all that happened, the oldest first
        self._by_key: dict[str, Invoice] = {}
        self._refunds: dict[str, str] = {}

    def environment(self, url: str) -> dict[str, str]:
        """Return the settings that point a function here."""
        return {"FAKE_SECRET_KEY": self.secret, "FAKE_API_URL": url}

    def api(self, request: Request, path: str) -> Response:
        """Answer a signed call."""
        if not hmac.compare_digest(request.headers.get("x-fake-signature", ""), self._sign(request.body)):
            return json_response({"error": "signature"}, 403)
        methods = {
            "/checkouts": self._checkout,
            "/state": self._state,
            "/refunds": self._refund_call,
            "/subscriptions/stop": self._stop,
            "/statement": self._statement,
        }
        method = methods.get(path)
        if request.method != "POST" or method is None:
            return json_response({"error": "no such thing"}, 404)
        try:
            with self.lock:
                answer = method(request.json())
        except Refused as reason:
            return json_response({"error": str(reason)}, 400)
        return json_response(answer) if answer is not None else json_response({"error": "not found"}, 404)

    def _checkout(self, asked: Json) -> Json:
        invoice = self._by_key.get(asked["key"])
        if invoice is None:
            invoice = Invoice(
                secrets.token_hex(6),
                Decimal(asked["amount"]),
                asked["currency"],
                asked["title"],
                asked["return_url"],
                is_subscription=asked["period"] is not None,
                object={**asked, "events": [], "left": {}},
            )
            self._by_key[asked["key"]] = self.keep(invoice)
        return {"id": invoice.id, "url": self.checkout_url(invoice)}

    def _state(self, asked: Json) -> Json:
        mine = [one for one in self.invoices.values() if one.object["order_id"] == asked["order_id"]]
        return {"events": [notice for invoice in mine for notice in invoice.object["events"]]}

    def _refund_call(self, asked: Json) -> Json | None:
        invoice = next(
            (one for one in self.invoices.values() if asked["payment_id"] in one.object["left"]),
            None,
        )
        if invoice is None:
            return None
        if asked["key"] not in self._refunds:
            amount = Decimal(asked["amount"])
            if amount > invoice.object["left"][asked["payment_id"]]:
                raise Refused("more than is left of the payment")
            self._refunds[asked["key"]] = refund = f"refund-{secrets.token_hex(6)}"
            self.send(invoice, [self._given_back(invoice, asked["payment_id"], amount, refund)])
        return {"id": self._refunds[asked["key"]]}

    def _stop(self, asked: Json) -> Json | None:
        for invoice in self.invoices.values():
            if invoice.object.get("subscription_id") == asked["subscription_id"]:
                invoice.object["stopped"] = True
                kind = {"kind": "subscription_canceled", "subscription_id": asked["subscription_id"]}
                self.send(invoice, [self._event(invoice, "subscription stopped", kind)])
                return {}
        return None

    def _statement(self, asked: Json) -> Json:
        since, until = datetime.fromisoformat(asked["since"]), datetime.fromisoformat(asked["until"])
        begin = int(asked["cursor"] or "0")
        found = [
            event
            for event in self.events
            if since <= datetime.fromisoformat(event["events"][0]["happened_at"]) < until
        ]
        following = begin + self.page_size
        return {
            "events": found[begin:following],
            "next": str(following) if len(found) > following else "",
        }

    def pay(self, invoice: Invoice, amount: Decimal) -> list[Callback]:
        """Pay."""
        invoice.state = "paid"
        if invoice.is_subscription:
            invoice.object["subscription_id"] = f"subscription-{invoice.id}"
            invoice.object["ends_at"] = self.clock.moment()
        return [
            self._event(
                invoice, "paid", self._charge(invoice, amount) | {"order_id": invoice.object["order_id"]}
            )
        ]

    def decline(self, invoice: Invoice) -> list[Callback]:
        """Decline the payment."""
        failed = {"kind": "failed", "payment_id": self._number(invoice), "reason": "no money"}
        return [self._event(invoice, "failed", failed | self._asked(invoice))]

    def expire(self, invoice: Invoice) -> list[Callback]:
        """Let it run out; there is no callback."""
        invoice.state = "canceled"
        return []

    def pay_later(self, invoice: Invoice) -> list[Callback]:
        """Fail first and pay then; the callback of the payment comes first."""
        failed = self.decline(invoice)
        return [*self.pay(invoice, invoice.amount), *failed]

    def forge(self, invoice: Invoice) -> list[Callback]:
        """Say that it is paid without knowing the secret."""
        paid = {"kind": "paid", "payment_id": "forged", **self._asked(invoice)}
        return [self._event(invoice, "paid", paid, is_forged=True)]

    def refund(self, invoice: Invoice) -> list[Callback]:
        """Give the newest payment back."""
        payment, left = list(invoice.object["left"].items())[-1]
        return [self._given_back(invoice, payment, left, f"refund-{secrets.token_hex(6)}")]

    def renew(self, invoice: Invoice) -> list[Callback]:
        """Charge the next period."""
        self._check_running(invoice)
        return [self._event(invoice, "renewed", self._charge(invoice, invoice.amount))]

    def fail_renewal(self, invoice: Invoice) -> list[Callback]:
        """Fail to charge it."""
        self._check_running(invoice)
        failed = {"kind": "subscription_past_due", "subscription_id": invoice.object["subscription_id"]}
        return [self._event(invoice, "renewal failed", failed)]

    def rewrite(self, callback: Callback, text: str, *, is_genuine: bool) -> Callback:
        """Sign an edited event."""
        body = text.encode()
        signature = self._sign(body) if is_genuine else "0" * 64
        headers = {"Content-Type": "application/json", "X-Fake-Signature": signature}
        return replace(callback, write=lambda _attempt: (headers, body))

    def next_charge(self, invoice: Invoice) -> float | None:
        """Return the end of the paid period."""
        if "subscription_id" not in invoice.object or invoice.object.get("stopped"):
            return None
        ends_at: datetime = invoice.object["ends_at"]
        return ends_at.timestamp()

    def probe(self) -> RawResponse:
        """Send a signed event without content; a 200 proves that the function and its database work."""
        body = b'{"id": "probe", "type": "probe", "events": []}'
        headers = {"Content-Type": "application/json", "X-Fake-Signature": self._sign(body)}
        return self.callbacks.ask(Callback("probe", lambda _attempt: (headers, body)))

    def _check_running(self, invoice: Invoice) -> None:
        if "subscription_id" not in invoice.object or invoice.object.get("stopped"):
            raise NotPossible("There is no subscription, or it has ended.")

    def _asked(self, invoice: Invoice) -> Json:
        details = {"order_id": invoice.object["order_id"], "telegram_id": invoice.object["telegram_id"]}
        return details | {"amount": str(invoice.amount), "currency": invoice.currency}

    def _charge(self, invoice: Invoice, amount: Decimal) -> Json:
        charge = {"kind": "paid", "payment_id": self._number(invoice), "amount": str(amount)}
        charge |= {"currency": invoice.currency, "telegram_id": invoice.object["telegram_id"]}
        if invoice.is_subscription:
            invoice.object["ends_at"] += timedelta(days=DAYS[invoice.object["period"]])
            charge["subscription_id"] = invoice.object["subscription_id"]
            charge["period_ends_at"] = invoice.object["ends_at"].isoformat()
        invoice.object["left"][charge["payment_id"]] = amount
        return charge

    def _given_back(self, invoice: Invoice, payment: str, amount: Decimal, refund: str) -> Callback:
        left = invoice.object["left"]
        left[payment] -= amount
        if not left[list(left)[-1]]:
            invoice.state = "refunded"
        details = {"kind": "refunded", "payment_id": payment, "operation_id": refund, "amount": str(amount)}
        return self._event(invoice, "refunded", details | {"currency": invoice.currency})

    def _number(self, invoice: Invoice) -> str:
        return f"{invoice.id}-{secrets.token_hex(3)}"

    def _event(self, invoice: Invoice, title: str, notice: Json, *, is_forged: bool = False) -> Callback:
        details = notice | {"happened_at": self.clock.moment().isoformat(timespec="seconds")}
        if not is_forged:
            invoice.object["events"].append(details)
        event: Json = {"id": f"event-{secrets.token_hex(8)}", "type": title, "events": [details]}
        if not is_forged:
            self.events.append(event)
        body = json.dumps(event).encode()
        signature = "0" * 64 if is_forged else self._sign(body)
        headers = {"Content-Type": "application/json", "X-Fake-Signature": signature}
        return Callback(title, lambda _attempt: (headers, body), is_forged=is_forged)

    def _sign(self, body: bytes) -> str:
        return hmac.new(self.secret.encode(), body, "sha256").hexdigest()
