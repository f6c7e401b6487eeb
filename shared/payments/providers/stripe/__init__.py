"""Stripe: Checkout, paid once or as a subscription.

A payment is a PaymentIntent, which refunds and disputes name too. Invoices report the money of a
subscription, including the first one. Only `refund.*` events count: each refund has an id there and may still
fail, whereas `charge.refunded` reports a sum that is not corrected when a refund fails.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from shared.core import clock
from shared.core.config import settings
from shared.core.json_types import JsonObject
from shared.core.signatures import is_signed
from shared.payments import api_client, parsing, provider
from shared.payments.declarations import Sandbox, Setting
from shared.payments.events import EventKind, PaymentEvent, WebhookEvent
from shared.payments.provider import (
    Checkout,
    InvalidSignature,
    Order,
    PaymentError,
    Receipt,
    RequestRefused,
    StatementPage,
    WebhookRequest,
)
from shared.payments.providers.stripe.checkout import Form, expiry, session_form
from shared.payments.providers.stripe.money import minor_units

if TYPE_CHECKING:
    from shared.payments.providers.stripe.payloads import NewEvent

_TOLERANCE = 300  # seconds; a retry has a new signature
_FETCH_TIMEOUT = 5.0  # seconds for what a webhook leaves out
_PAGE_SIZE = 100  # objects
_EVENTS_PAGE_SIZE = 25  # each paid invoice among them may need another request
_LISTED_TYPES = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "invoice.paid",
    "customer.subscription.deleted",
)
_ENDED = ("canceled", "incomplete_expired")  # final states of a subscription
_NEXT_LIST = MappingProxyType({"events": "refunds:", "refunds": "disputes:", "disputes": ""})
_VERSION = "2026-10-28.endive"  # of the API's answers; webhooks have the endpoint's version
_OFFERED = (
    "AED AMD AUD AZN BGN BRL CAD CHF CNY CZK DKK EUR GBP GEL HKD HUF IDR ILS INR JPY KGS KRW KZT MDL MXN "
    "MYR NOK NZD PHP PLN RON RSD RUB SAR SEK SGD THB TRY TWD UAH USD UZS VND ZAR"
)


class Provider(provider.Provider):
    """Checkout sessions: https://docs.stripe.com/api/checkout/sessions."""

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
        """Create a Checkout session; the order's key returns the same one while Stripe remembers it."""
        ends, plain = expiry(order), session_form(order)
        deadline = time.monotonic() + timeout
        try:
            session = self._post("/v1/checkout/sessions", plain + ends, timeout, order.idempotency_key)
        except _OtherParameters:
            # Whether the expiry fits Stripe's limits has changed since the first attempt.
            form = plain if ends else plain + expiry(order, is_forced=True)
            left = deadline - time.monotonic()
            session = self._post("/v1/checkout/sessions", form, left, order.idempotency_key)
        url, reference = session.get("url"), parsing.identifier(session.get("id"))
        if not isinstance(url, str) or reference is None:
            raise PaymentError("stripe created a session without an address")
        return Checkout(url, reference)

    def verify(self, request: WebhookRequest) -> None:
        """Check `Stripe-Signature`: t=<seconds>,v1=<hex>[,v1=<hex>]; other schemes are ignored."""
        secrets = self.secrets("STRIPE_WEBHOOK_SECRET")
        parts = [part.partition("=")[::2] for part in request.headers.get("stripe-signature", "").split(",")]
        stamp = next((value for name, value in parts if name == "t"), "")
        if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12):
            raise InvalidSignature("the signature has no valid time")
        message = stamp.encode() + b"." + request.body
        if not is_signed((value for name, value in parts if name == "v1"), secrets, message):
            raise InvalidSignature("the signature does not match")
        if abs(clock.timestamp() - int(stamp)) > _TOLERANCE:
            raise InvalidSignature("signed too long ago, or in the future")

    def parse(self, request: WebhookRequest) -> WebhookEvent:
        """Parse an event. The payment of an invoice may have to be fetched."""
        return self._event(parsing.json_object(request.body) or {}, time.monotonic() + _FETCH_TIMEOUT)

    def statement(self, since: datetime, until: datetime, cursor: str, timeout: float) -> StatementPage:
        """List events of payments, then refunds and disputes in their current state.

        A subscription's payment names neither order nor subscription, so payments are read from events, which
        Stripe lists for 30 days. Of subscriptions only the end is read: an older state must not replace the
        current one.
        """
        deadline = time.monotonic() + timeout
        kind, _, place = (cursor or "events:").partition(":")
        query = [
            ("created[gte]", str(int(since.timestamp()))),
            ("created[lt]", str(int(until.timestamp()))),
            ("limit", str(_EVENTS_PAGE_SIZE if kind == "events" else _PAGE_SIZE)),
        ]
        if kind == "events":
            query += [("types[]", name) for name in _LISTED_TYPES]
        if place:
            query.append(("starting_after", place))
        page = self._get(f"/v1/{kind}?{urlencode(query)}", timeout)
        found = parsing.get_list(page.get("data"))
        events = api_client.parse_each(self.key, self._reader(kind, deadline), found)
        last = parsing.identifier(found[-1].get("id")) if found else None
        if page.get("has_more") is True and last:
            return StatementPage(events, f"{kind}:{last}")
        return StatementPage(events, _NEXT_LIST[kind])

    def _reader(self, kind: str, deadline: float) -> Callable[[JsonObject], WebhookEvent]:
        from shared.payments.providers.stripe import payloads

        readers: dict[str, Callable[[JsonObject], WebhookEvent]] = {
            "events": partial(self._event, deadline=deadline),
            "refunds": payloads.listed_refund,
            "disputes": payloads.listed_dispute,
        }
        return readers[kind]

    def _event(self, content: JsonObject, deadline: float) -> WebhookEvent:
        from shared.payments.payloads import parse
        from shared.payments.providers.stripe import payloads

        envelope = parse(payloads.Envelope, content)
        if envelope.account:
            # Another shop's money: its order numbers may be the same as ours.
            event = PaymentEvent(kind=EventKind.OTHER, reason="of a connected account")
            return WebhookEvent(envelope.id, (event,), envelope.type)
        parsed = parse(payloads.Event, content)
        found, new_event = parsed.data.content, parsed.new_event()
        if envelope.type == "invoice.paid":
            event = self._paid(found, new_event, deadline)
        elif envelope.type.startswith("customer.subscription."):
            event = self._subscription(found, new_event, deadline)
        else:
            event = payloads.object_event(envelope.type, found, new_event)
        return WebhookEvent(envelope.id, (event,), envelope.type)

    def fetch(self, order_id: int, reference: str, timeout: float) -> tuple[PaymentEvent, ...]:
        """Fetch a session and the refunds of its payment."""
        from shared.payments.payloads import parse
        from shared.payments.providers.stripe import payloads

        deadline = time.monotonic() + timeout
        found = self._get(f"/v1/checkout/sessions/{quote(reference, safe='')}", timeout)
        with api_client.as_provider_error(self.key):
            session = parse(payloads.CheckoutSession, found)
            new_event = session.new_event()
            if session.status == "open":
                return ()
            if session.status == "complete" and session.mode == "subscription":
                return self._first_period(session.invoice, new_event, deadline)
            what = "expired" if session.status == "expired" else "completed"
            event = payloads.session_event(what, found, new_event)
            if event.kind is not EventKind.PAID:
                return (event,)
            path = f"/v1/refunds?payment_intent={event.payment_id}&limit=100"
            refunds = parsing.get_list(self._get(path, deadline - time.monotonic()).get("data"))
            return (event, *(payloads.refund_event(one, new_event) for one in refunds))

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
        """Refund a payment; some payment methods take days, then a webhook reports the result."""
        from shared.payments.providers.stripe import payloads

        name = "charge" if payment_id.startswith("ch_") else "payment_intent"
        form = [(name, payment_id), ("amount", str(minor_units(amount, currency)))]
        made = self._post("/v1/refunds", form, timeout, key)
        with api_client.as_provider_error(self.key):
            event = payloads.refund_event(made, PaymentEvent)
        return None if event.kind is EventKind.OTHER else event

    def cancel_subscription(
        self, subscription_id: str, telegram_id: int, timeout: float, *, payment_id: str = "", payer: str = ""
    ) -> None:
        """Cancel a subscription at the end of the paid period; one that has ended counts as canceled."""
        deadline = time.monotonic() + timeout
        path = f"/v1/subscriptions/{quote(subscription_id, safe='')}"
        try:
            self._post(path, [("cancel_at_period_end", "true")], timeout)
        except PaymentError as error:
            if not error.not_executed:
                raise
            state = self._get(path, deadline - time.monotonic()).get("status")
            if state not in _ENDED:
                raise

    def _paid(self, found: JsonObject, new_event: NewEvent, deadline: float) -> PaymentEvent:
        """Return a paid invoice with its PaymentIntent, which is what refunds and disputes name."""
        from shared.payments.payloads import parse
        from shared.payments.providers.stripe import payloads

        invoice = parse(payloads.PaidInvoice, found)
        payment_id = invoice.payment_id
        if payment_id is None:
            path = f"/v1/invoice_payments?invoice={invoice.id}&status=paid&limit=10"
            payment_id = parse(
                payloads.InvoicePayments, self._get(path, deadline - time.monotonic())
            ).payment_id
        # Without one it was paid from the customer's credit, or outside of Stripe.
        return invoice.to_event(payment_id or invoice.id, new_event)

    def _subscription(self, found: JsonObject, new_event: NewEvent, deadline: float) -> PaymentEvent:
        """Return the current state of a subscription.

        Stripe delivers events in any order and repeats some for days, so an event may hold an older state
        (https://docs.stripe.com/webhooks#event-ordering).
        """
        from shared.payments.payloads import parse
        from shared.payments.providers.stripe import payloads

        event = parse(payloads.Subscription, found).to_event(new_event)
        if event.kind is EventKind.OTHER or event.reason in _ENDED or event.subscription_id is None:
            return event  # it changes nothing, or is final
        path = f"/v1/subscriptions/{event.subscription_id}"
        try:
            current = self._get(path, deadline - time.monotonic())
        except RequestRefused:  # the key may not read subscriptions
            return event
        with api_client.as_provider_error(self.key):
            return parse(payloads.Subscription, current).to_event(new_event)

    def _first_period(
        self, number: str | None, new_event: NewEvent, deadline: float
    ) -> tuple[PaymentEvent, ...]:
        if number is None:
            return ()
        invoice = self._get(f"/v1/invoices/{number}", deadline - time.monotonic())
        if invoice.get("status") != "paid":
            return ()
        return (self._paid(invoice, new_event, deadline),)

    def _get(self, path: str, timeout: float) -> JsonObject:
        return self._ask("GET", path, timeout, b"", {})

    def _post(self, path: str, form: Form, timeout: float, key: str = "") -> JsonObject:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if key:
            headers["Idempotency-Key"] = key[:255]
        return self._ask("POST", path, timeout, urlencode(form).encode(), headers)

    def _ask(
        self, method: str, path: str, timeout: float, body: bytes, headers: dict[str, str]
    ) -> JsonObject:
        headers |= {
            "Authorization": f"Bearer {settings().variable('STRIPE_SECRET_KEY')}",
            "Stripe-Version": _VERSION,
        }
        answer = api_client.request(
            self.key, method, self.address(path), timeout=timeout, body=body, headers=headers
        )
        # The message is not logged: it repeats a part of the key.
        error = parsing.get_object(parsing.json_object(answer.data), "error")
        if error.get("type") == "idempotency_error":
            raise _OtherParameters("stripe has this idempotency key with other parameters")
        why = parsing.text(error.get("code") or error.get("type"))
        is_about_contact = error.get("param") == "customer_email" or why == "email_invalid"
        return api_client.parse_response(self.key, answer, why, is_about_contact=is_about_contact)


class _OtherParameters(PaymentError):
    """The first request with this key had other parameters, and its outcome is unknown."""
