"""The fake provider's other side: bills in memory, events as JSON with one signature."""

from __future__ import annotations

import hmac
import json
import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tools.emulator.payments.callbacks import MINUTE, Callback
from tools.emulator.payments.stand_in import Bill, NotPossible, PaymentStandIn
from tools.emulator.telegram import RawResponse
from tools.emulator.web import Request, Response, json_response

Json = dict[str, Any]

DAYS = {"month": 30, "year": 365}


class Refused(Exception):
    """A refund of more than is left."""


class StandIn(PaymentStandIn):
    """Does whatever it is asked, and tells of it at once."""

    NAME = "Fake"
    COLOUR = "#5b5f6b"
    ACTIONS = (*PaymentStandIn.ACTIONS, "expire")
    SIGNATURES = ("X-Fake-Signature",)
    PAUSES = (10.0, 1 * MINUTE, 5 * MINUTE, *([30 * MINUTE] * 20))

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.secret = "emulator-fake"  # noqa: S105  good for nothing else
        self.events: list[Json] = []  # all that happened, the oldest first
        self._by_key: dict[str, Bill] = {}
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
        bill = self._by_key.get(asked["key"])
        if bill is None:
            bill = Bill(
                secrets.token_hex(6),
                Decimal(asked["amount"]),
                asked["currency"],
                asked["title"],
                asked["return_url"],
                is_subscription=asked["period"] is not None,
                object={**asked, "events": [], "left": {}},
            )
            self._by_key[asked["key"]] = self.keep(bill)
        return {"id": bill.id, "url": self.checkout_url(bill)}

    def _state(self, asked: Json) -> Json:
        mine = [one for one in self.bills.values() if one.object["order_id"] == asked["order_id"]]
        return {"events": [notice for bill in mine for notice in bill.object["events"]]}

    def _refund_call(self, asked: Json) -> Json | None:
        bill = next(
            (one for one in self.bills.values() if asked["payment_id"] in one.object["left"]),
            None,
        )
        if bill is None:
            return None
        if asked["key"] not in self._refunds:
            amount = Decimal(asked["amount"])
            if amount > bill.object["left"][asked["payment_id"]]:
                raise Refused("more than is left of the payment")
            self._refunds[asked["key"]] = refund = f"refund-{secrets.token_hex(6)}"
            self.tell(bill, [self._given_back(bill, asked["payment_id"], amount, refund)])
        return {"id": self._refunds[asked["key"]]}

    def _stop(self, asked: Json) -> Json | None:
        for bill in self.bills.values():
            if bill.object.get("subscription_id") == asked["subscription_id"]:
                bill.object["stopped"] = True
                kind = {"kind": "subscription_canceled", "subscription_id": asked["subscription_id"]}
                self.tell(bill, [self._event(bill, "subscription stopped", kind)])
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

    def pay(self, bill: Bill, amount: Decimal) -> list[Callback]:
        """Pay."""
        bill.state = "paid"
        if bill.is_subscription:
            bill.object["subscription_id"] = f"subscription-{bill.id}"
            bill.object["ends_at"] = self.clock.moment()
        return [self._event(bill, "paid", self._charge(bill, amount) | {"order_id": bill.object["order_id"]})]

    def decline(self, bill: Bill) -> list[Callback]:
        """Be refused."""
        failed = {"kind": "failed", "payment_id": self._number(bill), "reason": "no money"}
        return [self._event(bill, "failed", failed | self._asked(bill))]

    def expire(self, bill: Bill) -> list[Callback]:
        """Let it run out, of which nothing is told."""
        bill.state = "canceled"
        return []

    def pay_later(self, bill: Bill) -> list[Callback]:
        """Fail and pay; the payment is told first."""
        failed = self.decline(bill)
        return [*self.pay(bill, bill.amount), *failed]

    def forge(self, bill: Bill) -> list[Callback]:
        """Say that it is paid without knowing the secret."""
        paid = {"kind": "paid", "payment_id": "forged", **self._asked(bill)}
        return [self._event(bill, "paid", paid, is_forged=True)]

    def refund(self, bill: Bill) -> list[Callback]:
        """Give the newest payment back."""
        payment, left = list(bill.object["left"].items())[-1]
        return [self._given_back(bill, payment, left, f"refund-{secrets.token_hex(6)}")]

    def renew(self, bill: Bill) -> list[Callback]:
        """Charge the next period."""
        self._check_running(bill)
        return [self._event(bill, "renewed", self._charge(bill, bill.amount))]

    def fail_renewal(self, bill: Bill) -> list[Callback]:
        """Fail to charge it."""
        self._check_running(bill)
        failed = {"kind": "subscription_past_due", "subscription_id": bill.object["subscription_id"]}
        return [self._event(bill, "renewal failed", failed)]

    def rewrite(self, callback: Callback, text: str, *, is_genuine: bool) -> Callback:
        """Sign an edited event."""
        body = text.encode()
        signature = self._sign(body) if is_genuine else "0" * 64
        headers = {"Content-Type": "application/json", "X-Fake-Signature": signature}
        return replace(callback, write=lambda _attempt: (headers, body))

    def next_charge(self, bill: Bill) -> float | None:
        """At the end of the paid period."""
        if "subscription_id" not in bill.object or bill.object.get("stopped"):
            return None
        ends_at: datetime = bill.object["ends_at"]
        return ends_at.timestamp()

    def probe(self) -> RawResponse:
        """Say, properly signed, that nothing happened: whoever takes it works, its database included."""
        body = b'{"id": "probe", "type": "probe", "events": []}'
        headers = {"Content-Type": "application/json", "X-Fake-Signature": self._sign(body)}
        return self.callbacks.ask(Callback("probe", lambda _attempt: (headers, body)))

    def _check_running(self, bill: Bill) -> None:
        if "subscription_id" not in bill.object or bill.object.get("stopped"):
            raise NotPossible("There is no subscription, or it has ended.")

    def _asked(self, bill: Bill) -> Json:
        told = {"order_id": bill.object["order_id"], "telegram_id": bill.object["telegram_id"]}
        return told | {"amount": str(bill.amount), "currency": bill.currency}

    def _charge(self, bill: Bill, amount: Decimal) -> Json:
        charge = {"kind": "paid", "payment_id": self._number(bill), "amount": str(amount)}
        charge |= {"currency": bill.currency, "telegram_id": bill.object["telegram_id"]}
        if bill.is_subscription:
            bill.object["ends_at"] += timedelta(days=DAYS[bill.object["period"]])
            charge["subscription_id"] = bill.object["subscription_id"]
            charge["period_ends_at"] = bill.object["ends_at"].isoformat()
        bill.object["left"][charge["payment_id"]] = amount
        return charge

    def _given_back(self, bill: Bill, payment: str, amount: Decimal, refund: str) -> Callback:
        left = bill.object["left"]
        left[payment] -= amount
        if not left[list(left)[-1]]:
            bill.state = "refunded"
        told = {"kind": "refunded", "payment_id": payment, "operation_id": refund, "amount": str(amount)}
        return self._event(bill, "refunded", told | {"currency": bill.currency})

    def _number(self, bill: Bill) -> str:
        return f"{bill.id}-{secrets.token_hex(3)}"

    def _event(self, bill: Bill, title: str, notice: Json, *, is_forged: bool = False) -> Callback:
        told = notice | {"happened_at": self.clock.moment().isoformat(timespec="seconds")}
        if not is_forged:
            bill.object["events"].append(told)
        event: Json = {"id": f"event-{secrets.token_hex(8)}", "type": title, "events": [told]}
        if not is_forged:
            self.events.append(event)
        body = json.dumps(event).encode()
        signature = "0" * 64 if is_forged else self._sign(body)
        headers = {"Content-Type": "application/json", "X-Fake-Signature": signature}
        return Callback(title, lambda _attempt: (headers, body), is_forged=is_forged)

    def _sign(self, body: bytes) -> str:
        return hmac.new(self.secret.encode(), body, "sha256").hexdigest()
