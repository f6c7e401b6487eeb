"""Fetches the state of an order that may still be open."""

from __future__ import annotations

import hashlib

import orjson

from shared.payments import providers, recording
from shared.payments.events import WebhookEvent


def refresh(provider_key: str, order_id: int, reference: str, timeout: float) -> frozenset[str]:
    """Fetch and record the state of an order; return the kinds of its events, none while it is open.

    Args:
        reference: the provider's number of the checkout (`Checkout.reference`).
        timeout: in seconds.

    Raises:
        PaymentError: no answer.
    """
    provider = providers.load(provider_key)
    payment_events = provider.fetch(order_id, reference, timeout)
    if not payment_events:
        return frozenset()
    body = orjson.dumps([payment_event.to_json() for payment_event in payment_events])
    # The key is derived from the state: fetching it again stores nothing new.
    key = f"asked:{order_id}:{hashlib.sha256(body).hexdigest()[:16]}"
    recording.record(provider, WebhookEvent(key, payment_events, "asked"), body)
    return frozenset(payment_event.kind.value for payment_event in payment_events)
