"""Stripe's objects, as its API of 2026-10-28 writes them. `now` is in Unix seconds."""

from __future__ import annotations

import calendar
import secrets
import string
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]

API_VERSION = "2026-10-28.endive"
LETTERS = string.ascii_letters + string.digits


def new_id(prefix: str) -> str:
    """Return a number of Stripe's."""
    return f"{prefix}_" + "".join(secrets.choice(LETTERS) for _ in range(24))


def session(form: Json, url: str, amount: int, now: int, expires_at: int) -> Json:
    """Return an unpaid Checkout session; `url` has a place for its id."""
    number = new_id("cs_test")
    return {
        "id": number,
        "object": "checkout.session",
        "amount_subtotal": amount,
        "amount_total": amount,
        "client_reference_id": form.get("client_reference_id"),
        "created": now,
        "currency": form["line_items"]["0"]["price_data"]["currency"],
        "customer": None,
        "customer_email": form.get("customer_email"),
        "expires_at": expires_at,
        "invoice": None,
        "livemode": False,
        "metadata": form.get("metadata", {}),
        "mode": form["mode"],
        "payment_intent": None,
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "status": "open",
        "subscription": None,
        "success_url": form["success_url"],
        "url": url.format(number),
    }


def payment_intent(amount: int, currency: str, metadata: Json, now: int, status: str = "succeeded") -> Json:
    """Return a payment."""
    number = new_id("pi")
    failed = status != "succeeded"
    return {
        "id": number,
        "object": "payment_intent",
        "amount": amount,
        "amount_received": 0 if failed else amount,
        "created": now,
        "currency": currency,
        "last_payment_error": {"code": "card_declined", "decline_code": "generic_decline"}
        if failed
        else None,
        "latest_charge": new_id("ch"),
        "livemode": False,
        "metadata": metadata,
        "status": status,
    }


def refund(intent: Json, amount: int, now: int, status: str = "succeeded") -> Json:
    """Return a refund of a payment."""
    return {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "charge": intent["latest_charge"],
        "created": now,
        "currency": intent["currency"],
        "metadata": {},
        "payment_intent": intent["id"],
        "reason": "requested_by_customer",
        "status": status,
    }


def charge(intent: Json, refunded: int) -> Json:
    """Return a payment's charge, with what was given back of it."""
    return {
        "id": intent["latest_charge"],
        "object": "charge",
        "amount": intent["amount"],
        "amount_refunded": refunded,
        "currency": intent["currency"],
        "livemode": False,
        "metadata": intent["metadata"],
        "payment_intent": intent["id"],
        "refunded": refunded == intent["amount"],
        "status": "succeeded",
    }


def dispute(intent: Json, now: int) -> Json:
    """Return a dispute over a whole payment."""
    return {
        "id": new_id("du"),
        "object": "dispute",
        "amount": intent["amount"],
        "charge": intent["latest_charge"],
        "created": now,
        "currency": intent["currency"],
        "livemode": False,
        "payment_intent": intent["id"],
        "reason": "fraudulent",
        "status": "needs_response",
    }


def subscription(metadata: Json, interval: str, now: int) -> Json:
    """Return a subscription whose first period begins now."""
    item = {
        "id": new_id("si"),
        "object": "subscription_item",
        "current_period_start": now,
        "current_period_end": later(now, interval),
        "price": {"recurring": {"interval": interval, "interval_count": 1}},
    }
    return {
        "id": new_id("sub"),
        "object": "subscription",
        "cancel_at": None,
        "cancel_at_period_end": False,
        "created": now,
        "items": {"object": "list", "data": [item]},
        "livemode": False,
        "metadata": metadata,
        "status": "active",
    }


def invoice(
    subscribed: Json, amount: int, currency: str, reason: str, now: int, status: str = "paid"
) -> Json:
    """Return an invoice of the current period of a subscription. It does not name its payment."""
    item = subscribed["items"]["data"][0]
    period = {"start": item["current_period_start"], "end": item["current_period_end"]}
    details = {"metadata": subscribed["metadata"], "subscription": subscribed["id"]}
    return {
        "id": new_id("in"),
        "object": "invoice",
        "amount_due": amount,
        "amount_paid": amount if status == "paid" else 0,
        "billing_reason": reason,
        "created": now,
        "currency": currency,
        "lines": {"object": "list", "data": [{"object": "line_item", "amount": amount, "period": period}]},
        "livemode": False,
        "metadata": {},
        "parent": {"type": "subscription_details", "subscription_details": details},
        "period_start": now,
        "period_end": now,
        "status": status,
    }


def invoice_payment(billed: Json, intent: Json) -> Json:
    """Return what joins an invoice to its payment."""
    return {
        "id": new_id("inpay"),
        "object": "invoice_payment",
        "amount_paid": billed["amount_paid"],
        "currency": billed["currency"],
        "invoice": billed["id"],
        "payment": {"type": "payment_intent", "payment_intent": intent["id"]},
        "status": "paid",
    }


def event(kind: str, found: Json, now: int) -> Json:
    """Return the event that the webhook gets."""
    return {
        "id": new_id("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": now,
        "data": {"object": found},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }


def later(moment: int, interval: str) -> int:
    """Return the same day of the next month or year, or the last one there."""
    begin = datetime.fromtimestamp(moment, UTC)
    months = begin.month + (12 if interval == "year" else 1) - 1
    year, month = begin.year + months // 12, months % 12 + 1
    day = min(begin.day, calendar.monthrange(year, month)[1])
    return int(begin.replace(year=year, month=month, day=day).timestamp())
