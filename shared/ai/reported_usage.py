"""Parse the token counts and costs that providers report; impossible values become None.

Nothing here raises: the answer is already paid for. Providers have sent token counts as fractions, texts, -1
and 2^32 - 1, and prices as NaN. Fractions are rounded. An impossible value is left out and not clamped,
because it would falsify every sum.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

MAX_COUNT = 2_147_483_647  # an integer column
_MAX_COST = Decimal(10_000)  # US dollars for one call
_PLACES = Decimal("0.00000001")  # of the column for a cost


def count(value: object) -> int | None:
    """Return a number of tokens, or None where it is missing or impossible."""
    number = _number(value)
    if number is None or not 0 <= number <= MAX_COUNT:
        return None
    return round(number)


def cost(value: object) -> Decimal | None:
    """Return a cost in US dollars, or None where it is missing or impossible."""
    number = _number(value)
    if number is None or not 0 <= number <= _MAX_COST:
        return None
    return number if -number.as_tuple().exponent <= 8 else number.quantize(_PLACES)  # type: ignore[operator]


def _number(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = Decimal(str(value)[:40])
    except (InvalidOperation, ValueError):
        return None
    return number if number.is_finite() else None
