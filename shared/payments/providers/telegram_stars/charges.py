"""The currency of Stars, and the names of refunds."""

from __future__ import annotations

CURRENCY = "XTR"


def refund_id(charge: str) -> str:
    """Return our name of the refund of a charge: Telegram has no number for it."""
    return f"{charge}:refund"
