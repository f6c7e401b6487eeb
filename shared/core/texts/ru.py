"""Russian."""

from __future__ import annotations

from collections.abc import Mapping

NAME = "🇷🇺 Русский"
DATE = "%d.%m.%Y"  # for strftime
MONTHS = (
    "января", "февраля", "марта", "апреля", "мая", "июня",
    "июля", "августа", "сентября", "октября", "ноября", "декабря",
)  # fmt: skip
TIME_ZONES: Mapping[str, str] = {"MSK": "МСК"}
DECIMAL, THOUSANDS = ",", "\u00a0"
LEADING_SYMBOLS = ""  # of currencies, before the figure
PERCENT = "\u00a0%"  # behind the figure


def plural(count: int) -> int:
    """Return which form a word takes after `count`: 0 «1 запрос», 1 «2 запроса», 2 «5 запросов»."""
    if count % 10 == 1 and count % 100 != 11:
        return 0
    if 2 <= count % 10 <= 4 and not 12 <= count % 100 <= 14:
        return 1
    return 2
