"""Stripe's payer side: Checkout sessions, subscriptions, refunds and disputes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tools.emulator.payments.callbacks import Callback
from tools.emulator.payments.invoices import Invoice, NotPossible
from tools.emulator.payments.stripe import objects
from tools.emulator.payments.stripe.account import Account
from tools.emulator.payments.stripe.api import WHOLE, Api
from tools.emulator.web import Request, Response

Json = dict[str, Any]

CLOSED = frozenset({"won", "lost"})
DISPUTES = {"won": "dispute won", "lost": "dispute lost"}
NOT_OPEN = (
    'Only Checkout Sessions with a status in ["open"] can be expired. '
    "This Checkout Session has a status of `{}`."
)
FAILURES = 4  # failed charges of a period cancel the subscription (a setting of the account)


class FakeServer(Account):
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

    def forget(self) -> None:
        """Begin again without the account's objects and the responses of its API."""
        super().forget()
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

    def pay(self, invoice: Invoice, amount: Decimal) -> list[Callback]:
        """Pay by card, which is decided at once."""
        minor = _minor(invoice, amount)
        invoice.state = "paid"
        invoice.object |= {"status": "complete", "payment_status": "paid", "amount_total": minor}
        if invoice.is_subscription:
            return self._subscribe(invoice, minor)
        intent = self._intent(
            invoice, minor, self.asked[invoice.id].get("payment_intent_data", {}).get("metadata", {})
        )
        invoice.object["payment_intent"] = intent["id"]
        return [self._event("checkout.session.completed", invoice.object)]

    def pay_later(self, invoice: Invoice) -> list[Callback]:
        """Pay by something slow: first "it has come", then, late, "the payer is done and it will come"."""
        if invoice.is_subscription:
            return list(reversed(self.pay(invoice, invoice.amount)))
        self.pay(invoice, invoice.amount)
        before = invoice.object | {"payment_status": "unpaid"}
        return [
            self._event("checkout.session.async_payment_succeeded", invoice.object),
            self._event("checkout.session.completed", before),
        ]

    def decline(self, invoice: Invoice) -> list[Callback]:
        """Try a card that is refused; the session stays open."""
        invoice.state = "declined"
        metadata = invoice.object["metadata"]
        intent = objects.payment_intent(
            _minor(invoice, invoice.amount),
            invoice.currency.lower(),
            metadata,
            self._now(),
            "requires_payment_method",
        )
        return [self._event("payment_intent.payment_failed", intent)]

    def fail_challenge(self, invoice: Invoice) -> list[Callback]:
        """Do not pass the bank's page; the session stays open."""
        invoice.state = "declined"
        intent = objects.payment_intent(
            _minor(invoice, invoice.amount),
            invoice.currency.lower(),
            invoice.object["metadata"],
            self._now(),
            "requires_payment_method",
        )
        intent["last_payment_error"] = {"code": "payment_intent_authentication_failure"}
        return [self._event("payment_intent.payment_failed", intent)]

    def expire(self, invoice: Invoice) -> list[Callback]:
        """Let the session run out."""
        invoice.state = "canceled"
        invoice.object["status"] = "expired"
        return [self._event("checkout.session.expired", invoice.object)]

    def forge(self, invoice: Invoice) -> list[Callback]:
        """Sign with a key that is not the endpoint's."""
        claim = invoice.object | {
            "status": "complete",
            "payment_status": "paid",
            "payment_intent": "pi_forged",
        }
        event = objects.event("checkout.session.completed", claim, self._now())
        return [Callback(event["type"], self._signed(event, "whsec_guessed"), is_forged=True)]

    # The dashboard and the bank.

    def refund(self, invoice: Invoice) -> list[Callback]:
        """Give back what is left of the last payment."""
        intent = self._last_intent(invoice)
        left = intent["amount"] - self.refunded(intent)
        return self._given_back(intent, left)[1]

    def dispute(self, invoice: Invoice) -> list[Callback]:
        """Take the last payment back."""
        dispute = objects.dispute(self._last_intent(invoice), self._now())
        self.disputes.append(dispute)
        return [
            self._event("charge.dispute.created", dispute),
            self._event("charge.dispute.funds_withdrawn", dispute),
        ]

    def win_dispute(self, invoice: Invoice) -> list[Callback]:
        """Decide the last dispute for the shop."""
        return self._decide(invoice, "won")

    def lose_dispute(self, invoice: Invoice) -> list[Callback]:
        """Decide the last dispute for the payer: what was withdrawn stays away."""
        return self._decide(invoice, "lost")

    def _decide(self, invoice: Invoice, status: str) -> list[Callback]:
        dispute = [one for one in self._disputes_of(invoice) if one["status"] not in CLOSED][-1]
        dispute["status"] = status
        return [self._event("charge.dispute.closed", dispute)]

    def _disputes_of(self, invoice: Invoice) -> list[Json]:
        return [one for one in self.disputes if self._invoice_of.get(one["payment_intent"]) is invoice]

    # Rules.

    def refusal(self, invoice: Invoice, action: str) -> str:
        """Return why Stripe would refuse an action now; nothing when it would do it."""
        checks = {
            "dispute": self._not_disputable,
            "win_dispute": self._not_disputed,
            "lose_dispute": self._not_disputed,
            "end_period": self._not_canceled,
        }
        return checks[action](invoice) if action in checks else super().refusal(invoice, action)

    def not_expirable(self, invoice: Invoice) -> str:
        """Return the API's words for a session that is not open."""
        return "" if self.is_open(invoice) else NOT_OPEN.format(invoice.object["status"])

    def not_refundable(self, invoice: Invoice) -> str:
        """Return the API's words for a charge that was refunded or is disputed."""
        if invoice.state not in ("paid", "refunded"):
            return super().not_refundable(invoice)
        return self.not_returnable(self._last_intent(invoice))[0]

    def _not_disputable(self, invoice: Invoice) -> str:
        if reason := self.not_refundable(invoice):
            return reason
        number = self._last_intent(invoice)["id"]
        is_decided = any(one["payment_intent"] == number for one in self.disputes)
        return "The dispute over this charge is closed." if is_decided else ""

    def _not_disputed(self, invoice: Invoice) -> str:
        mine = self._disputes_of(invoice)
        if not mine:
            return "There is no dispute."
        return "The dispute is closed." if all(one["status"] in CLOSED for one in mine) else ""

    def _not_canceled(self, invoice: Invoice) -> str:
        return "" if self.is_ending(invoice) else "The subscription isn’t canceled."

    def actions(self, invoice: Invoice) -> tuple[str, ...]:
        """Return the buttons; a canceled subscription runs until the end of its period."""
        return super().actions(invoice) + (("end_period",) if invoice.is_subscription else ())

    def status(self, invoice: Invoice) -> str:
        """Return what the page adds: the newest dispute, else the subscription."""
        disputes = self._disputes_of(invoice)
        return DISPUTES.get(disputes[-1]["status"], "disputed") if disputes else super().status(invoice)

    # Subscriptions.

    def renew(self, invoice: Invoice) -> list[Callback]:
        """Charge the next period, less of the customer's credit."""
        subscription = self._subscription_of(invoice)
        item = subscription["items"]["data"][0]
        interval = item["price"]["recurring"]["interval"]
        item["current_period_start"] = item["current_period_end"]
        item["current_period_end"] = objects.later(item["current_period_end"], interval)
        subscription["status"] = "active"
        price = _minor(invoice, invoice.amount)
        covered = min(self.credit, price)
        self.credit -= covered
        paid = self._charge_period(invoice, subscription, price - covered, "subscription_cycle")
        return [self._event("invoice.paid", paid), self._event("customer.subscription.updated", subscription)]

    def fail_renewal(self, invoice: Invoice) -> list[Callback]:
        """Try to charge the next period; the last failure ends the subscription."""
        subscription = self._subscription_of(invoice)
        has_ended = invoice.failures >= FAILURES
        subscription["status"] = "canceled" if has_ended else "past_due"
        minor = _minor(invoice, invoice.amount)
        unpaid = objects.invoice(
            subscription, minor, invoice.currency.lower(), "subscription_cycle", self._now(), "open"
        )
        return [
            self._event("invoice.payment_failed", unpaid),
            self._event(f"customer.subscription.{'deleted' if has_ended else 'updated'}", subscription),
        ]

    def next_charge(self, invoice: Invoice) -> float | None:
        """Return the end of the current period; None when the subscription has ended."""
        subscription = self.subscriptions.get(str(invoice.object.get("subscription")))
        if subscription is None or subscription["status"] == "canceled":
            return None
        return float(subscription["items"]["data"][0]["current_period_end"])

    def is_ending(self, invoice: Invoice) -> bool:
        """Return whether the subscription is running and canceled for the end of its period."""
        subscription = self.subscriptions.get(str(invoice.object.get("subscription")), {})
        is_running = subscription.get("status") in ("active", "past_due")
        return is_running and bool(subscription["cancel_at_period_end"])

    def end_period(self, invoice: Invoice) -> list[Callback]:
        """End a canceled subscription."""
        subscription = self._subscription_of(invoice)
        subscription["status"] = "canceled"
        return [self._event("customer.subscription.deleted", subscription)]

    def end_subscription(self, invoice: Invoice) -> None:
        """End it now."""
        with self.lock:
            subscription = self._subscription_of(invoice)
            subscription["status"] = "canceled"
            self.send(invoice, [self._event("customer.subscription.deleted", subscription)])

    def _subscribe(self, invoice: Invoice, minor: int) -> list[Callback]:
        form = self.asked[invoice.id]
        interval = form["line_items"]["0"]["price_data"]["recurring"]["interval"]
        metadata = form.get("subscription_data", {}).get("metadata", {})
        subscription = objects.subscription(metadata, interval, self._now())
        self.subscriptions[subscription["id"]] = subscription
        self._invoice_of[subscription["id"]] = invoice
        stripe_invoice = self._charge_period(invoice, subscription, minor, "subscription_create")
        invoice.object |= {"subscription": subscription["id"], "invoice": stripe_invoice["id"]}
        return [
            self._event("customer.subscription.created", subscription),
            self._event("invoice.paid", stripe_invoice),
            self._event("checkout.session.completed", invoice.object),
        ]

    def _subscription_of(self, invoice: Invoice) -> Json:
        number = invoice.object.get("subscription")
        if number is None or self.subscriptions[number]["status"] == "canceled":
            raise NotPossible("There is no subscription that runs.")
        return self.subscriptions[number]

    def _charge_period(self, invoice: Invoice, subscription: Json, minor: int, reason: str) -> Json:
        stripe_invoice = objects.invoice(subscription, minor, invoice.currency.lower(), reason, self._now())
        self.stripe_invoices[stripe_invoice["id"]] = stripe_invoice
        if minor:
            self.invoice_payments.append(
                objects.invoice_payment(stripe_invoice, self._intent(invoice, minor, {}))
            )
        return stripe_invoice

    def _intent(self, invoice: Invoice, minor: int, metadata: Json) -> Json:
        intent = objects.payment_intent(minor, invoice.currency.lower(), metadata, self._now())
        self.intents[intent["id"]] = intent
        self._invoice_of[intent["id"]] = invoice
        return intent

    def _last_intent(self, invoice: Invoice) -> Json:
        return [
            self.intents[n] for n, one in self._invoice_of.items() if one is invoice and n in self.intents
        ][-1]


def _minor(invoice: Invoice, amount: Decimal) -> int:
    return int(amount if invoice.currency.lower() in WHOLE else amount * 100)
