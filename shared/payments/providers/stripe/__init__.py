"""Stripe: Checkout, paid once or as a subscription.

A payment is a PaymentIntent, which refunds and disputes name as well. The money of a subscription is told by
its invoices, the first one included. Of the two families of events about refunds only `refund.*` counts: each
refund has its number there and may still fail, whereas `charge.refunded` tells a sum that nothing takes back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlencode

from shared.core import clock
from shared.core.config import settings
from shared.core.signatures import is_signed
from shared.payments import api_client, parsing, provider
from shared.payments.declarations import Sandbox, Setting
from shared.payments.events import EventKind, PaymentEvent, WebhookEvent
from shared.payments.provider import (
    Checkout,
    InvalidPayload,
    InvalidSignature,
    Order,
    PaymentError,
    Receipt,
    StatementPage,
    WebhookRequest,
)
from shared.payments.providers.stripe import objects
from shared.payments.providers.stripe.checkout import Form, expiry, session_form
from shared.payments.providers.stripe.money import minor_units
from shared.payments.providers.stripe.objects import Json, Says

_TOLERANCE = 300  # seconds; a retry is signed anew
_ASK_TIMEOUT = 5.0  # seconds for what a callback leaves out
_LISTED = 100  # objects a page
_LISTED_EVENTS = 25  # for each paid invoice among them one more question may follow
_LISTED_TYPES = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "invoice.paid",
    "customer.subscription.deleted",
)
_NEXT_LIST = MappingProxyType({"events": "refunds:", "refunds": "disputes:", "disputes": ""})
_VERSION = "2026-10-28.endive"  # of the answers we read; callbacks have the endpoint's own
_OFFERED = (
    "AED AMD AUD AZN BGN BRL CAD CHF CNY CZK DKK EUR GBP GEL HKD HUF IDR ILS INR JPY KGS KRW KZT MDL MXN "
    "MYR NOK NZD PHP PLN RON RSD RUB SAR SEK SGD THB TRY TWD UAH USD UZS VND ZAR"
)


class Provider(provider.Provider):
    """Checkout sessions, https://docs.stripe.com/api/checkout/sessions."""

    REQUIRED = (
        Setting(
            "STRIPE_SECRET_KEY", "Developers, API keys: the secret key, or a restricted one.", is_secret=True
        ),
        Setting("STRIPE_WEBHOOK_SECRET", "Signing secret whsec_… of the webhook endpoint.", is_secret=True),
    )
    SANDBOX = Sandbox(
        "STRIPE_SECRET_KEY",
        "sk_test_… or rk_test_…",
        prefixes=("sk_test_", "rk_test_"),
        webhooks="stripe listen --forward-to {url}/payments/stripe   "
        "(the whsec_… it prints is STRIPE_WEBHOOK_SECRET)",
    )
    API_URL = "https://api.stripe.com"
    CURRENCIES = frozenset(_OFFERED.split())
    RECURRING_PERIODS = frozenset({"month", "year"})
    SUPPORTS_STATUS = True
    SUPPORTS_REFUNDS = True
    SUPPORTS_STATEMENTS = True

    def create(self, order: Order, timeout: float) -> Checkout:
        """Open a Checkout session; the same one under the order's key, for as long as Stripe keeps it."""
        ends, plain = expiry(order), session_form(order)
        deadline = time.monotonic() + timeout
        try:
            session = self._post("/v1/checkout/sessions", plain + ends, timeout, order.idempotency_key)
        except _OtherParameters:
            # Since the first try the order's end came too near to be sent, or near enough.
            form = plain if ends else plain + expiry(order, is_forced=True)
            left = deadline - time.monotonic()
            session = self._post("/v1/checkout/sessions", form, left, order.idempotency_key)
        url, reference = session.get("url"), parsing.identifier(session.get("id"))
        if not isinstance(url, str) or reference is None:
            raise PaymentError("stripe opened a session without an address")
        return Checkout(url, reference)

    def verify(self, request: WebhookRequest) -> None:
        """Check `Stripe-Signature`: t=<seconds>,v1=<hex>[,v1=<hex>]; other schemes do not count."""
        secrets = self.secrets("STRIPE_WEBHOOK_SECRET")
        parts = [part.partition("=")[::2] for part in request.headers.get("stripe-signature", "").split(",")]
        stamp = next((value for name, value in parts if name == "t"), "")
        if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12):
            raise InvalidSignature("no usable time in the signature")
        message = stamp.encode() + b"." + request.body
        if not is_signed((value for name, value in parts if name == "v1"), secrets, message):
            raise InvalidSignature("the signature does not fit")
        if abs(clock.timestamp() - int(stamp)) > _TOLERANCE:
            raise InvalidSignature("signed too long ago, or in the future")

    def parse(self, request: WebhookRequest) -> WebhookEvent:
        """Read one event. What paid an invoice may have to be asked for."""
        return self._event(parsing.json_object(request.body) or {}, time.monotonic() + _ASK_TIMEOUT)

    def statement(self, since: datetime, until: datetime, cursor: str, timeout: float) -> StatementPage:
        """List the events about money that came, then the refunds and the disputes in their present state.

        A payment of a subscription names neither order nor subscription, so payments are taken from the
        events, which Stripe lists for 30 days. Of subscriptions only the end is taken: an older state
        must not replace the present one.
        """
        deadline = time.monotonic() + timeout
        kind, _, place = (cursor or "events:").partition(":")
        query = [
            ("created[gte]", str(int(since.timestamp()))),
            ("created[lt]", str(int(until.timestamp()))),
            ("limit", str(_LISTED_EVENTS if kind == "events" else _LISTED)),
        ]
        if kind == "events":
            query += [("types[]", name) for name in _LISTED_TYPES]
        if place:
            query.append(("starting_after", place))
        page = self._get(f"/v1/{kind}?{urlencode(query)}", timeout)
        found = parsing.get_list(page.get("data"))
        readers: dict[str, Callable[[Mapping[str, Any]], WebhookEvent]] = {
            "events": partial(self._event, deadline=deadline),
            "refunds": objects.listed_refund,
        }
        events = api_client.parse_each(self.key, readers.get(kind, objects.listed_dispute), found)
        last = parsing.identifier(found[-1].get("id")) if found else None
        if page.get("has_more") is True and last:
            return StatementPage(events, f"{kind}:{last}")
        return StatementPage(events, _NEXT_LIST[kind])

    def _event(self, event: Mapping[str, Any], deadline: float) -> WebhookEvent:
        key, kind = parsing.identifier(event.get("id")), parsing.text(event.get("type"))
        if event.get("object") == "event" and key and kind and event.get("account"):
            # Another shop's money: its numbers of orders may be like ours.
            return WebhookEvent(
                key, (PaymentEvent(kind=EventKind.OTHER, reason="of a connected account"),), kind
            )
        found = parsing.get_object(event, "data", "object")
        if event.get("object") != "event" or key is None or not kind or not found:
            raise InvalidPayload("no event of Stripe's")
        happened_at = parsing.timestamp(event.get("created"))
        says = partial(PaymentEvent, is_test=event.get("livemode") is False, happened_at=happened_at)
        is_paid_invoice = kind == "invoice.paid"
        payment_event = (
            self._paid(found, says, deadline - time.monotonic())
            if is_paid_invoice
            else objects.read(kind, found, says)
        )
        return WebhookEvent(key, (payment_event,), kind)

    def fetch(self, order_id: int, reference: str, timeout: float) -> tuple[PaymentEvent, ...]:
        """Ask for a session, and for what was given back of its payment."""
        deadline = time.monotonic() + timeout
        session = self._get(f"/v1/checkout/sessions/{quote(reference, safe='')}", timeout)
        says = partial(PaymentEvent, is_test=session.get("livemode") is False)
        state, invoice = session.get("status"), parsing.identifier(session.get("invoice"))
        if state == "open":
            return ()
        with api_client.as_provider_error(self.key):
            if state == "complete" and session.get("mode") == "subscription":
                return self._first_period(invoice, says, deadline)
            told = objects.session("expired" if state == "expired" else "completed", session, says)
            if told.kind is not EventKind.PAID:
                return (told,)
            path = f"/v1/refunds?payment_intent={told.payment_id}&limit=100"
            refunds = parsing.get_list(self._get(path, deadline - time.monotonic()).get("data"))
            return (told, *(objects.refund(one, says) for one in refunds))

    def refund(
        self,
        payment_id: str,
        amount: Decimal,
        currency: str,
        *,
        key: str,
        telegram_id: int,
        timeout: float,
        receipt: Receipt | None = None,
    ) -> PaymentEvent | None:
        """Give money back; with some ways of payment it takes days, then a callback tells."""
        name = "charge" if payment_id.startswith("ch_") else "payment_intent"
        form = [(name, payment_id), ("amount", str(minor_units(amount, currency)))]
        made = self._post("/v1/refunds", form, timeout, key)
        with api_client.as_provider_error(self.key):
            payment_event = objects.refund(made, PaymentEvent)
        return None if payment_event.kind is EventKind.OTHER else payment_event

    def cancel_subscription(
        self, subscription_id: str, telegram_id: int, timeout: float, *, payment_id: str = "", payer: str = ""
    ) -> None:
        """Let a subscription end with the period that is paid; one that has ended already is left alone."""
        deadline = time.monotonic() + timeout
        path = f"/v1/subscriptions/{quote(subscription_id, safe='')}"
        try:
            self._post(path, [("cancel_at_period_end", "true")], timeout)
        except PaymentError as error:
            if not error.not_executed:
                raise
            state = self._get(path, deadline - time.monotonic()).get("status")
            if state not in ("canceled", "incomplete_expired"):
                raise

    def _paid(self, invoice: Json, says: Says, timeout: float) -> PaymentEvent:
        """Look for the PaymentIntent of a paid invoice: refunds and disputes will name only that."""
        number = parsing.identifier(invoice.get("id"))
        if number is None:
            raise InvalidPayload("an invoice without a number")
        payment_id = objects.payment_of(invoice, objects.listed(invoice, "payments"))
        if payment_id is None:
            asked = self._get(f"/v1/invoice_payments?invoice={number}&status=paid&limit=10", timeout)
            payment_id = objects.payment_of(invoice, parsing.get_list(asked.get("data")))
        # None when it was paid from the customer's credit, or outside of Stripe.
        return objects.invoice_paid(invoice, payment_id or number, says)

    def _first_period(self, number: str | None, says: Says, deadline: float) -> tuple[PaymentEvent, ...]:
        if number is None:
            return ()
        invoice = self._get(f"/v1/invoices/{number}", deadline - time.monotonic())
        if invoice.get("status") != "paid":
            return ()
        return (self._paid(invoice, says, deadline - time.monotonic()),)

    def _get(self, path: str, timeout: float) -> Json:
        return self._ask("GET", path, timeout, b"", {})

    def _post(self, path: str, form: Form, timeout: float, key: str = "") -> Json:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if key:
            headers["Idempotency-Key"] = key[:255]
        return self._ask("POST", path, timeout, urlencode(form).encode(), headers)

    def _ask(self, method: str, path: str, timeout: float, body: bytes, headers: dict[str, str]) -> Json:
        headers |= {
            "Authorization": f"Bearer {settings().variable('STRIPE_SECRET_KEY')}",
            "Stripe-Version": _VERSION,
        }
        answer = api_client.request(
            self.key, method, self.address(path), timeout=timeout, body=body, headers=headers
        )
        # Its code, never its message: that repeats a part of the key.
        error = parsing.get_object(parsing.json_object(answer.data), "error")
        if error.get("type") == "idempotency_error":
            raise _OtherParameters("stripe knows this key with other parameters")
        why = parsing.text(error.get("code") or error.get("type"))
        is_about_contact = error.get("param") == "customer_email" or why == "email_invalid"
        return api_client.parse_response(self.key, answer, why, is_about_contact=is_about_contact)


class _OtherParameters(PaymentError):
    """The first request under this key had other parameters: what came of it is not known."""
