"""Converts amounts to and from the smallest unit of a currency, which is not always a hundredth."""

from __future__ import annotations

from decimal import Decimal

from shared.payments.provider import PaymentError

# https://docs.stripe.com/currencies#zero-decimal. ISK and UGX have no fractions either, but are given in
# hundredths (#special-cases), although that list names UGX.
_WHOLE = frozenset(
    {
        "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF",
        "XPF",
    }
)  # fmt: skip
_THOUSANDTHS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})


def minor_units(amount: Decimal, currency: str) -> int:
    """Return an amount in the smallest unit.

    Raises:
        PaymentError: the currency has no such fraction.
    """
    units = amount.scaleb(_exponent(currency))
    if units != units.to_integral_value():
        raise PaymentError(f"{currency} has no such fraction", not_executed=True)
    return int(units)


def major_units(units: int, currency: str) -> Decimal:
    """Return an amount that is given in the smallest unit."""
    return Decimal(units).scaleb(-_exponent(currency))


def _exponent(currency: str) -> int:
    return 0 if currency in _WHOLE else 3 if currency in _THOUSANDTHS else 2
