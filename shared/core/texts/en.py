"""English."""

from __future__ import annotations

from collections.abc import Mapping

NAME = "🇬🇧 English"
DATE = "%-d %b %Y"  # for strftime
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
TIME_ZONES: Mapping[str, str] = {}
DECIMAL, THOUSANDS = ".", ","
LEADING_SYMBOLS = "$€£"  # of currencies, before the figure
PERCENT = "%"  # behind the figure


def plural(count: int) -> int:
    """Return which form a word takes after `count`: 0 "1 request", 1 "2 requests"."""
    return 0 if count == 1 else 1
