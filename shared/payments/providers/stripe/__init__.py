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
from shared.core.errors import ConfigError
from shared.core.signatures import is_signed
from shared.payments import calls, provider, reading
from shared.payments.notice import Event, Kind, Notice
from shared.payments.provider import Call, Checkout, Forged, Order, Page, PaymentError, Receipt, Unusable
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

    REQUIRED = ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET")
    API = "https://api.stripe.com"
    CURRENCIES = frozenset(_OFFERED.split())
    RENEWS = frozenset({"month", "year"})
    HAS_STATUS = True
    HAS_REFUND = True
    HAS_STATEMENT = True

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
        url, reference = session.get("url"), reading.identifier(session.get("id"))
        if not isinstance(url, str) or reference is None:
            raise PaymentError("stripe opened a session without an address")
        return Checkout(url, reference)

    def verify(self, call: Call) -> None:
        """Check `Stripe-Signature`: t=<seconds>,v1=<hex>[,v1=<hex>]; other schemes do not count."""
        secrets = settings().variable("STRIPE_WEBHOOK_SECRET").replace(" ", "").split(",")
        if not any(secrets):
            raise ConfigError("STRIPE_WEBHOOK_SECRET is missing")
        parts = [part.partition("=")[::2] for part in call.headers.get("stripe-signature", "").split(",")]
        stamp = next((value for name, value in parts if name == "t"), "")
        if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12):
            raise Forged("no usable time in the signature")
        message = stamp.encode() + b"." + call.body
        if not is_signed((value for name, value in parts if name == "v1"), secrets, message):
            raise Forged("the signature does not fit")
        if abs(clock.timestamp() - int(stamp)) > _TOLERANCE:
            raise Forged("signed too long ago, or in the future")

    def parse(self, call: Call) -> Event:
        """Read one event. What paid an invoice may have to be asked for."""
        return self._event(reading.json_object(call.body) or {}, time.monotonic() + _ASK_TIMEOUT)

    def statement(self, since: datetime, until: datetime, cursor: str, timeout: float) -> Page:
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
        found = reading.items(page.get("data"))
        readers: dict[str, Callable[[Mapping[str, Any]], Event]] = {
            "events": partial(self._event, deadline=deadline),
            "refunds": objects.listed_refund,
        }
        events = calls.each(self.key, readers.get(kind, objects.listed_dispute), found)
        last = reading.identifier(found[-1].get("id")) if found else None
        if page.get("has_more") is True and last:
            return Page(events, f"{kind}:{last}")
        return Page(events, _NEXT_LIST[kind])

    def _event(self, event: Mapping[str, Any], deadline: float) -> Event:
        key, kind = reading.identifier(event.get("id")), reading.text(event.get("type"))
        if event.get("object") == "event" and key and kind and event.get("account"):
            # Another shop's money: its numbers of orders may be like ours.
            return Event(key, (Notice(kind=Kind.OTHER, reason="of a connected account"),), kind)
        found = reading.inner(event, "data", "object")
        if event.get("object") != "event" or key is None or not kind or not found:
            raise Unusable("no event of Stripe's")
        happened_at = reading.moment(event.get("created"))
        says = partial(Notice, is_test=event.get("livemode") is False, happened_at=happened_at)
        is_paid_invoice = kind == "invoice.paid"
        notice = (
            self._paid(found, says, deadline - time.monotonic())
            if is_paid_invoice
            else objects.read(kind, found, says)
        )
        return Event(key, (notice,), kind)

    def fetch(self, order_id: int, reference: str, timeout: float) -> tuple[Notice, ...]:
        """Ask for a session, and for what was given back of its payment."""
        deadline = time.monotonic() + timeout
        session = self._get(f"/v1/checkout/sessions/{quote(reference, safe='')}", timeout)
        says = partial(Notice, is_test=session.get("livemode") is False)
        state, invoice = session.get("status"), reading.identifier(session.get("invoice"))
        if state == "open":
            return ()
        with calls.understood(self.key):
            if state == "complete" and session.get("mode") == "subscription":
                return self._first_period(invoice, says, deadline)
            told = objects.session("expired" if state == "expired" else "completed", session, says)
            if told.kind is not Kind.PAID:
                return (told,)
            path = f"/v1/refunds?payment_intent={told.payment_id}&limit=100"
            refunds = reading.items(self._get(path, deadline - time.monotonic()).get("data"))
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
    ) -> Notice | None:
        """Give money back; with some ways of payment it takes days, then a callback tells."""
        name = "charge" if payment_id.startswith("ch_") else "payment_intent"
        form = [(name, payment_id), ("amount", str(minor_units(amount, currency)))]
        made = self._post("/v1/refunds", form, timeout, key)
        with calls.understood(self.key):
            notice = objects.refund(made, Notice)
        return None if notice.kind is Kind.OTHER else notice

    def stop_renewal(
        self, subscription_id: str, telegram_id: int, timeout: float, *, payment_id: str = "", payer: str = ""
    ) -> None:
        """Let a subscription end with the period that is paid; one that has ended already is left alone."""
        deadline = time.monotonic() + timeout
        path = f"/v1/subscriptions/{quote(subscription_id, safe='')}"
        try:
            self._post(path, [("cancel_at_period_end", "true")], timeout)
        except PaymentError as error:
            if not error.is_certain:
                raise
            state = self._get(path, deadline - time.monotonic()).get("status")
            if state not in ("canceled", "incomplete_expired"):
                raise

    def _paid(self, invoice: Json, says: Says, timeout: float) -> Notice:
        """Look for the PaymentIntent of a paid invoice: refunds and disputes will name only that."""
        number = reading.identifier(invoice.get("id"))
        if number is None:
            raise Unusable("an invoice without a number")
        payment_id = objects.payment_of(invoice, objects.listed(invoice, "payments"))
        if payment_id is None:
            asked = self._get(f"/v1/invoice_payments?invoice={number}&status=paid&limit=10", timeout)
            payment_id = objects.payment_of(invoice, reading.items(asked.get("data")))
        # None when it was paid from the customer's credit, or outside of Stripe.
        return objects.invoice_paid(invoice, payment_id or number, says)

    def _first_period(self, number: str | None, says: Says, deadline: float) -> tuple[Notice, ...]:
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
        answer = calls.call(self.key, method, self.address(path), timeout=timeout, body=body, headers=headers)
        # Its code, never its message: that repeats a part of the key.
        error = reading.inner(reading.json_object(answer.data), "error")
        if error.get("type") == "idempotency_error":
            raise _OtherParameters("stripe knows this key with other parameters")
        why = reading.text(error.get("code") or error.get("type"))
        is_about_contact = error.get("param") == "customer_email" or why == "email_invalid"
        return calls.result(self.key, answer, why, is_about_contact=is_about_contact)


class _OtherParameters(PaymentError):
    """The first request under this key had other parameters: what came of it is not known."""
