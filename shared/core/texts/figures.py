"""Figures as a language writes them: numbers, money, days and times of day."""

from __future__ import annotations

import datetime as dt
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from shared.core.texts import grouped, language

_NBSP = "\u00a0"
_SYMBOLS = {
    "RUB": "₽",
    "USD": "$",
    "EUR": "€",
    "GBP": "£",
    "KZT": "₸",
    "UAH": "₴",
    "TRY": "₺",
    "INR": "₹",
    "XTR": "⭐",
}


def number(code: str, value: int | Decimal) -> str:
    """Write a number: "12 345,6" in Russian, "12,345.6" in English."""
    return grouped(language(code), value)


def money(code: str, amount: Decimal, currency: str, *, is_exact: bool = False) -> str:
    """Write an amount with its currency (an ISO 4217 code, or empty): "12,50 ₽"; whole ones without "00".

    Args:
        is_exact: keep more than two places: "0,0527 $".
    """
    places = Decimal(1) if amount == amount.to_integral_value() else Decimal("0.01")
    if is_exact:
        places = min(places, Decimal(1).scaleb(int(amount.normalize().as_tuple().exponent)))
    figure, symbol = number(code, amount.quantize(places)), _SYMBOLS.get(currency, currency)
    if not symbol:
        return figure
    if symbol in language(code).LEADING_SYMBOLS:
        return figure.replace("−", f"−{symbol}") if amount < 0 else symbol + figure
    return f"{figure}{_NBSP}{symbol}"


def percent(code: str, value: Decimal) -> str:
    """Write a percentage: "52,5 %" in Russian, "52.5%" in English."""
    return number(code, value) + language(code).PERCENT


def currency_name(currency: str) -> str:
    """Write a currency with its symbol, where it has one: "USD ($)"."""
    symbol = _SYMBOLS.get(currency)
    return f"{currency} ({symbol})" if symbol else currency


def day(code: str, value: dt.date, *, short: bool = False) -> str:
    """Write a day of the year: "1 декабря"; `short` "1 дек"."""
    month = language(code).MONTHS[value.month - 1]
    return f"{value.day}{_NBSP}{month[:3] if short else month}"


def date(code: str, moment: datetime | str, timezone: str, *, with_time: bool = False) -> str:
    """Write a moment (of the database: ISO 8601) as a date in a time zone: "21.12.2026", "21 Dec 2026"."""
    known = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    form = language(code).DATE + (" %H:%M" if with_time else "")
    return known.astimezone(ZoneInfo(timezone)).strftime(form)


def time_of_day(code: str, value: datetime) -> str:
    """Write the time of day with its time zone: "00:00 МСК"; one without a name is "UTC+04"."""
    zone = value.tzname() or ""
    name = f"UTC{zone}" if zone[:1] in "+-" else zone
    return f"{value:%H:%M} {language(code).TIME_ZONES.get(name, name)}"
