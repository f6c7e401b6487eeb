"""Ask a provider for the state of an order that may still be open."""

from __future__ import annotations

import hashlib

import orjson

from shared.payments import endpoint, providers
from shared.payments.notice import Event


def ask(provider_key: str, order_id: int, reference: str, timeout: float) -> frozenset[str]:
    """Record what the provider says of an order; return the kinds of its notices, none while it is open.

    Args:
        reference: the provider's own number of the checkout (`Checkout.reference`).
        timeout: in seconds.

    Raises:
        PaymentError: no answer.
    """
    provider = providers.load(provider_key)
    notices = provider.fetch(order_id, reference, timeout)
    if not notices:
        return frozenset()
    body = orjson.dumps([notice.plain() for notice in notices])
    # The same state is the same event, so that repeated questions keep one.
    key = f"asked:{order_id}:{hashlib.sha256(body).hexdigest()[:16]}"
    endpoint.record(provider, Event(key, notices, "asked"), body)
    return frozenset(notice.kind.value for notice in notices)
