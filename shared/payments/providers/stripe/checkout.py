"""The form that creates a Checkout session."""

from __future__ import annotations

from datetime import timedelta

from shared.core import clock
from shared.payments.provider import Order
from shared.payments.providers.stripe.money import minor_units

# Stripe allows 30 minutes to 24 hours; the default is 24 hours.
_SHORTEST, _LONGEST = timedelta(minutes=31), timedelta(hours=23)

Form = list[tuple[str, str]]


def session_form(order: Order) -> Form:
    """Return the form without the expiry."""
    item = "line_items[0]"
    number = str(order.id)
    form = [
        ("mode", "subscription" if order.period else "payment"),
        (f"{item}[quantity]", "1"),
        (f"{item}[price_data][currency]", order.currency.lower()),
        (f"{item}[price_data][unit_amount]", str(minor_units(order.amount, order.currency))),
        (f"{item}[price_data][product_data][name]", order.title),
        (f"{item}[price_data][product_data][description]", order.description),
        ("success_url", order.return_url),
        ("cancel_url", order.return_url),
        ("client_reference_id", number),
        ("metadata[order_id]", number),
        # Stripe does not copy the session's metadata to the payment or subscription.
        (f"{'subscription_data' if order.period else 'payment_intent_data'}[metadata][order_id]", number),
        ("locale", order.language if order.language in ("en", "ru") else "auto"),
    ]
    if order.period:
        form.append((f"{item}[price_data][recurring][interval]", order.period))
    if order.contact and "@" in order.contact:
        form.append(("customer_email", order.contact))
    return form


def expiry(order: Order, *, is_forced: bool = False) -> Form:
    """Return the expiry, if Stripe allows it."""
    if order.expires_at is None:
        return []
    left = order.expires_at - clock.now()
    is_fit = _SHORTEST < left < _LONGEST
    return [("expires_at", str(int(order.expires_at.timestamp())))] if is_fit or is_forced else []
