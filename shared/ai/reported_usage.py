"""Figures that a provider reports beside an answer: read where they make sense, left out where they do not.

Nothing here may cost an answer that is already paid for. Token counts have been seen as fractions, texts,
-1 and 2^32 - 1, and prices as NaN. A fraction is rounded. A figure that cannot be true is left out instead of
being cut to a limit, because it would spoil every sum it enters.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

MAX_COUNT = 2_147_483_647  # an integer column
_MAX_COST = Decimal(10_000)  # US dollars for one call
_PLACES = Decimal("0.00000001")  # of the column for a cost


def count(value: Any) -> int | None:
    """Return a number of tokens, or None where there is none or it makes no sense."""
    number = _number(value)
    if number is None or not 0 <= number <= MAX_COUNT:
        return None
    return round(number)


def cost(value: Any) -> Decimal | None:
    """Return a price in US dollars, or None where there is none or it makes no sense."""
    number = _number(value)
    if number is None or not 0 <= number <= _MAX_COST:
        return None
    return number if -number.as_tuple().exponent <= 8 else number.quantize(_PLACES)  # type: ignore[operator]


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = Decimal(str(value)[:40])
    except (InvalidOperation, ValueError):
        return None
    return number if number.is_finite() else None
