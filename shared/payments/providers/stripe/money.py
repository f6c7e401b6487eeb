"""Stripe counts in the smallest unit of a currency, which is not always a hundredth."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from shared.payments import parsing
from shared.payments.provider import PaymentError

# https://docs.stripe.com/currencies#zero-decimal
_WHOLE = frozenset(
    {
        "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "UGX", "VND", "VUV", "XAF",
        "XOF", "XPF",
    }
)  # fmt: skip
_THOUSANDTHS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})


def minor_units(amount: Decimal, currency: str) -> int:
    """Return an amount as Stripe counts it.

    Raises:
        PaymentError: the currency has no such fraction.
    """
    units = amount.scaleb(_exponent(currency))
    if units != units.to_integral_value():
        raise PaymentError(f"{currency} has no such fraction", not_executed=True)
    return int(units)


def amount_of(found: dict[str, Any], name: str) -> tuple[Decimal | None, str | None]:
    """Return an amount of an object's and its currency, or neither."""
    units, currency = found.get(name), parsing.currency(found.get("currency"))
    if not isinstance(units, int) or isinstance(units, bool) or units < 0 or currency is None:
        return None, None
    return Decimal(units).scaleb(-_exponent(currency)), currency


def _exponent(currency: str) -> int:
    return 0 if currency in _WHOLE else 3 if currency in _THOUSANDTHS else 2
