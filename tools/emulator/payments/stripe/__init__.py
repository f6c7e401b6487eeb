"""Stripe: Checkout sessions, subscriptions, refunds, disputes; signed events in no certain order."""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from tools.emulator.payments.callbacks import Callback
from tools.emulator.payments.stand_in import Bill, NotPossible, PaymentStandIn
from tools.emulator.payments.stripe import objects
from tools.emulator.payments.stripe.api import WHOLE, Api
from tools.emulator.web import Request, Response

Json = dict[str, Any]

CLOSED = frozenset({"won", "lost"})
DISPUTES = {"won": "dispute won", "lost": "dispute lost"}
NOT_OPEN = (
    'Only Checkout Sessions with a status in ["open"] can be expired. '
    "This Checkout Session has a status of `{}`."
)
FAILURES = 4  # tries to charge a period, after which the subscription is canceled (a setting of the account)


class StandIn(PaymentStandIn):
    """One account in test mode with one webhook endpoint."""

    NAME = "Stripe"
    COLOUR = "#5433d6"
    # The intervals are not published: three days with growing pauses.
    PAUSES = (300, 900, 3600, 3 * 3600, 8 * 3600, 24 * 3600, 36 * 3600)
    ACTIONS = (
        "pay",
        "decline",
        "pay_later",
        "wrong_amount",
        "deliver_twice",
        "forge",
        "expire",
        "challenge",
        "pass_challenge",
        "fail_challenge",
        "refund",
        "dispute",
        "win_dispute",
        "lose_dispute",
    )
    PAYABLE = frozenset({"open", "declined"})
    SIGNATURES = ("Stripe-Signature",)
    SECRET_KEY = "sk_test_emulator"  # noqa: S105  of nobody's account
    WEBHOOK_SECRET = "whsec_emulator"  # noqa: S105

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.asked: dict[str, Json] = {}
        self.intents: dict[str, Json] = {}
        self.invoices: dict[str, Json] = {}
        self.subscriptions: dict[str, Json] = {}
        self.refunds: list[Json] = []
        self.disputes: list[Json] = []
        self.events: list[Json] = []
        self.invoice_payments: list[Json] = []
        self.credit = 0  # of the customer, in minor units
        self._bill_of: dict[str, Bill] = {}  # by payment and by subscription
        self._api = Api(self)

    def environment(self, url: str) -> dict[str, str]:
        """Return the account's keys and address."""
        return {
            "STRIPE_SECRET_KEY": self.SECRET_KEY,
            "STRIPE_WEBHOOK_SECRET": self.WEBHOOK_SECRET,
            "STRIPE_API_URL": url,
        }

    def api(self, request: Request, path: str) -> Response:
        """Answer a call of the API."""
        return self._api.handle(request, path)

    # The payer.

    def pay(self, bill: Bill, amount: Decimal) -> list[Callback]:
        """Pay by card, which is decided at once."""
        minor = _minor(bill, amount)
        bill.state = "paid"
        bill.object |= {"status": "complete", "payment_status": "paid", "amount_total": minor}
        if bill.is_subscription:
            return self._subscribe(bill, minor)
        intent = self._intent(
            bill, minor, self.asked[bill.id].get("payment_intent_data", {}).get("metadata", {})
        )
        bill.object["payment_intent"] = intent["id"]
        return [self._event("checkout.session.completed", bill.object)]

    def pay_later(self, bill: Bill) -> list[Callback]:
        """Pay by something slow: first "it has come", then, late, "the payer is done and it will come"."""
        if bill.is_subscription:
            return list(reversed(self.pay(bill, bill.amount)))
        self.pay(bill, bill.amount)
        before = bill.object | {"payment_status": "unpaid"}
        return [
            self._event("checkout.session.async_payment_succeeded", bill.object),
            self._event("checkout.session.completed", before),
        ]

    def decline(self, bill: Bill) -> list[Callback]:
        """Try a card that is refused; the session stays open."""
        bill.state = "declined"
        metadata = bill.object["metadata"]
        intent = objects.payment_intent(
            _minor(bill, bill.amount), bill.currency.lower(), metadata, self._now(), "requires_payment_method"
        )
        return [self._event("payment_intent.payment_failed", intent)]

    def fail_challenge(self, bill: Bill) -> list[Callback]:
        """Do not pass the bank's page; the session stays open."""
        bill.state = "declined"
        intent = objects.payment_intent(
            _minor(bill, bill.amount),
            bill.currency.lower(),
            bill.object["metadata"],
            self._now(),
            "requires_payment_method",
        )
        intent["last_payment_error"] = {"code": "payment_intent_authentication_failure"}
        return [self._event("payment_intent.payment_failed", intent)]

    def expire(self, bill: Bill) -> list[Callback]:
        """Let the session run out."""
        bill.state = "canceled"
        bill.object["status"] = "expired"
        return [self._event("checkout.session.expired", bill.object)]

    def forge(self, bill: Bill) -> list[Callback]:
        """Sign with a key that is not the endpoint's."""
        claim = bill.object | {"status": "complete", "payment_status": "paid", "payment_intent": "pi_forged"}
        event = objects.event("checkout.session.completed", claim, self._now())
        return [Callback(event["type"], self._signed(event, "whsec_guessed"), is_forged=True)]

    # The cabinet and the bank.

    def refund(self, bill: Bill) -> list[Callback]:
        """Give back what is left of the last payment."""
        intent = self._last_intent(bill)
        left = intent["amount"] - self.refunded(intent)
        return self._given_back(intent, left)[1]

    def give_back(self, intent: Json, amount: int) -> Json:
        """Give money back for the API."""
        refund, told = self._given_back(intent, amount)
        self.tell(self._bill_of[intent["id"]], told)
        return refund

    def refunded(self, intent: Json) -> int:
        """What was given back of a payment."""
        mine = [one for one in self.refunds if one["payment_intent"] == intent["id"]]
        return sum(one["amount"] for one in mine if one["status"] == "succeeded")

    def fail_refund(self, refund_id: str) -> None:
        """A refund that succeeded comes back: the card was closed meanwhile."""
        with self.lock:
            refund = next(one for one in self.refunds if one["id"] == refund_id)
            refund |= {"status": "failed", "failure_reason": "expired_or_canceled_card"}
            bill = self._bill_of[refund["payment_intent"]]
            bill.state = "paid"
            self.tell(bill, [self._event("refund.failed", refund)])

    def dispute(self, bill: Bill) -> list[Callback]:
        """Take the last payment back."""
        dispute = objects.dispute(self._last_intent(bill), self._now())
        self.disputes.append(dispute)
        return [
            self._event("charge.dispute.created", dispute),
            self._event("charge.dispute.funds_withdrawn", dispute),
        ]

    def win_dispute(self, bill: Bill) -> list[Callback]:
        """Decide the last dispute for the shop."""
        return self._decide(bill, "won")

    def lose_dispute(self, bill: Bill) -> list[Callback]:
        """Decide the last dispute for the payer: what was withdrawn stays away."""
        return self._decide(bill, "lost")

    def _decide(self, bill: Bill, status: str) -> list[Callback]:
        dispute = [one for one in self._disputes_of(bill) if one["status"] not in CLOSED][-1]
        dispute["status"] = status
        return [self._event("charge.dispute.closed", dispute)]

    def _disputes_of(self, bill: Bill) -> list[Json]:
        return [one for one in self.disputes if self._bill_of.get(one["payment_intent"]) is bill]

    # What is possible now.

    def refusal(self, bill: Bill, action: str) -> str:
        """Return why Stripe would refuse an action now; nothing when it would do it."""
        checks = {
            "dispute": self._not_disputable,
            "win_dispute": self._not_disputed,
            "lose_dispute": self._not_disputed,
            "end_period": self._not_canceled,
        }
        return checks[action](bill) if action in checks else super().refusal(bill, action)

    def not_expirable(self, bill: Bill) -> str:
        """Return the API's words for a session that is not open."""
        return "" if self.is_open(bill) else NOT_OPEN.format(bill.object["status"])

    def not_refundable(self, bill: Bill) -> str:
        """Return the API's words for a charge that was refunded or is disputed."""
        if bill.state not in ("paid", "refunded"):
            return super().not_refundable(bill)
        return self.not_returnable(self._last_intent(bill))[0]

    def not_returnable(self, intent: Json) -> tuple[str, str]:
        """Return why the API gives nothing of a payment back: its words and code, both empty if it does."""
        charge = intent["latest_charge"]
        if any(one["payment_intent"] == intent["id"] and one["status"] != "won" for one in self.disputes):
            return f"Charge {charge} has been charged back.", "charge_disputed"
        if self.refunded(intent) == intent["amount"]:
            return f"Charge {charge} has already been refunded.", "charge_already_refunded"
        return "", ""

    def _not_disputable(self, bill: Bill) -> str:
        if reason := self.not_refundable(bill):
            return reason
        number = self._last_intent(bill)["id"]
        is_decided = any(one["payment_intent"] == number for one in self.disputes)
        return "The dispute over this charge is closed." if is_decided else ""

    def _not_disputed(self, bill: Bill) -> str:
        mine = self._disputes_of(bill)
        if not mine:
            return "There is no dispute."
        return "The dispute is closed." if all(one["status"] in CLOSED for one in mine) else ""

    def _not_canceled(self, bill: Bill) -> str:
        return "" if self.is_ending(bill) else "The subscription isn’t canceled."

    def actions(self, bill: Bill) -> tuple[str, ...]:
        """Return the buttons; a canceled subscription runs until the end of its period."""
        return super().actions(bill) + (("end_period",) if bill.is_subscription else ())

    def status(self, bill: Bill) -> str:
        """Return what the page adds: the newest dispute, else the subscription."""
        disputes = self._disputes_of(bill)
        return DISPUTES.get(disputes[-1]["status"], "disputed") if disputes else super().status(bill)

    # Subscriptions.

    def renew(self, bill: Bill) -> list[Callback]:
        """Charge the next period, less of the customer's credit."""
        subscription = self._subscription_of(bill)
        item = subscription["items"]["data"][0]
        interval = item["price"]["recurring"]["interval"]
        item["current_period_start"] = item["current_period_end"]
        item["current_period_end"] = objects.later(item["current_period_end"], interval)
        subscription["status"] = "active"
        price = _minor(bill, bill.amount)
        covered = min(self.credit, price)
        self.credit -= covered
        paid = self._invoice(bill, subscription, price - covered, "subscription_cycle")
        return [self._event("invoice.paid", paid), self._event("customer.subscription.updated", subscription)]

    def fail_renewal(self, bill: Bill) -> list[Callback]:
        """Try to charge the next period; the last failure ends the subscription."""
        subscription = self._subscription_of(bill)
        has_ended = bill.failures >= FAILURES
        subscription["status"] = "canceled" if has_ended else "past_due"
        minor = _minor(bill, bill.amount)
        unpaid = objects.invoice(
            subscription, minor, bill.currency.lower(), "subscription_cycle", self._now(), "open"
        )
        return [
            self._event("invoice.payment_failed", unpaid),
            self._event(f"customer.subscription.{'deleted' if has_ended else 'updated'}", subscription),
        ]

    def next_charge(self, bill: Bill) -> float | None:
        """At the end of the current period, as long as the subscription is not over."""
        subscription = self.subscriptions.get(str(bill.object.get("subscription")))
        if subscription is None or subscription["status"] == "canceled":
            return None
        return float(subscription["items"]["data"][0]["current_period_end"])

    def is_ending(self, bill: Bill) -> bool:
        """Whether it runs, and was canceled for the end of its period."""
        subscription = self.subscriptions.get(str(bill.object.get("subscription")), {})
        is_running = subscription.get("status") in ("active", "past_due")
        return is_running and bool(subscription["cancel_at_period_end"])

    def end_period(self, bill: Bill) -> list[Callback]:
        """End it where it goes no further."""
        subscription = self._subscription_of(bill)
        subscription["status"] = "canceled"
        return [self._event("customer.subscription.deleted", subscription)]

    def end_subscription(self, bill: Bill) -> None:
        """End it now."""
        with self.lock:
            subscription = self._subscription_of(bill)
            subscription["status"] = "canceled"
            self.tell(bill, [self._event("customer.subscription.deleted", subscription)])

    def subscription_changed(self, subscription: Json) -> None:
        """Tell of a change made by the API."""
        told = [self._event("customer.subscription.updated", subscription)]
        self.tell(self._bill_of[subscription["id"]], told)

    def _subscribe(self, bill: Bill, minor: int) -> list[Callback]:
        form = self.asked[bill.id]
        interval = form["line_items"]["0"]["price_data"]["recurring"]["interval"]
        metadata = form.get("subscription_data", {}).get("metadata", {})
        subscription = objects.subscription(metadata, interval, self._now())
        self.subscriptions[subscription["id"]] = subscription
        self._bill_of[subscription["id"]] = bill
        invoice = self._invoice(bill, subscription, minor, "subscription_create")
        bill.object |= {"subscription": subscription["id"], "invoice": invoice["id"]}
        return [
            self._event("customer.subscription.created", subscription),
            self._event("invoice.paid", invoice),
            self._event("checkout.session.completed", bill.object),
        ]

    def _subscription_of(self, bill: Bill) -> Json:
        number = bill.object.get("subscription")
        if number is None or self.subscriptions[number]["status"] == "canceled":
            raise NotPossible("There is no subscription that runs.")
        return self.subscriptions[number]

    def _invoice(self, bill: Bill, subscription: Json, minor: int, reason: str) -> Json:
        invoice = objects.invoice(subscription, minor, bill.currency.lower(), reason, self._now())
        self.invoices[invoice["id"]] = invoice
        if minor:
            self.invoice_payments.append(objects.invoice_payment(invoice, self._intent(bill, minor, {})))
        return invoice

    def _intent(self, bill: Bill, minor: int, metadata: Json) -> Json:
        intent = objects.payment_intent(minor, bill.currency.lower(), metadata, self._now())
        self.intents[intent["id"]] = intent
        self._bill_of[intent["id"]] = bill
        return intent

    def _last_intent(self, bill: Bill) -> Json:
        return [self.intents[n] for n, one in self._bill_of.items() if one is bill and n in self.intents][-1]

    def _given_back(self, intent: Json, amount: int) -> tuple[Json, list[Callback]]:
        refund = objects.refund(intent, amount, self._now())
        self.refunds.append(refund)
        done = self.refunded(intent)
        if done == intent["amount"]:
            self._bill_of[intent["id"]].state = "refunded"
        # One fact, two events.
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

    def rewrite(self, callback: Callback, text: str, *, is_genuine: bool) -> Callback:
        """Sign an edited event."""
        body, secret = text.encode(), self.WEBHOOK_SECRET if is_genuine else "whsec_guessed"
        return replace(callback, write=lambda _attempt: (self.signed(body, secret), body))

    def signed(self, body: bytes, secret: str) -> dict[str, str]:
        """Return the headers of an event, signed at this moment."""
        now = self._now()
        digest = hmac.new(secret.encode(), b"%d." % now + body, hashlib.sha256).hexdigest()
        return {
            "Stripe-Signature": f"t={now},v1={digest}",
            "Content-Type": "application/json; charset=utf-8",
        }

    def _now(self) -> int:
        return int(self.clock.now())


def _minor(bill: Bill, amount: Decimal) -> int:
    return int(amount if bill.currency.lower() in WHOLE else amount * 100)
