"""Numbers, money, days and times as each language writes them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from shared.core.texts import figures


@pytest.mark.parametrize(
    ("amount", "currency", "ru", "en"),
    [
        ("0", "RUB", "0 ₽", "0 ₽"),
        ("0.00", "RUB", "0 ₽", "0 ₽"),
        ("12.5", "RUB", "12,50 ₽", "12.50 ₽"),
        ("12.34", "USD", "12,34 $", "$12.34"),
        ("1234567.8", "EUR", "1 234 567,80 €", "€1,234,567.80"),
        ("100", "XAU", "100 XAU", "100 XAU"),
        ("-12.5", "RUB", "−12,50 ₽", "−12.50 ₽"),
        ("-12.5", "USD", "−12,50 $", "−$12.50"),
        ("0", "", "0", "0"),
    ],
)
def test_money(amount: str, currency: str, ru: str, en: str) -> None:
    written = {code: figures.money(code, Decimal(amount), currency) for code in ("ru", "en")}
    assert {code: text.replace("\u00a0", " ") for code, text in written.items()} == {"ru": ru, "en": en}
    assert " " not in written["ru"] + written["en"], "a figure must not be cut at the end of a line"


@pytest.mark.parametrize(("value", "ru", "en"), [(999, "999", "999"), (1000, "1\u00a0000", "1,000")])
def test_numbers(value: int, ru: str, en: str) -> None:
    assert (figures.number("ru", value), figures.number("en", value)) == (ru, en)
    assert figures.number("ru", Decimal("2.3")) == "2,3"


def test_percentages() -> None:
    assert [figures.percent(code, Decimal("52.5")) for code in ("ru", "en")] == ["52,5\u00a0%", "52.5%"]


def test_days() -> None:
    december = date(2026, 12, 1)
    assert figures.day("ru", december) == "1\u00a0декабря"
    assert figures.day("ru", december, short=True) == "1\u00a0дек"
    assert figures.day("en", december) == "1\u00a0December"
    assert {
        len({figures.day(code, date(2026, m, 1), short=True) for m in range(1, 13)}) for code in ("ru", "en")
    } == {12}


def test_times_of_day() -> None:
    midnight = datetime(2026, 11, 21, tzinfo=ZoneInfo("Europe/Moscow"))
    assert figures.time_of_day("ru", midnight) == "00:00 МСК"
    assert figures.time_of_day("en", midnight) == "00:00 MSK"
    assert figures.time_of_day("ru", midnight.astimezone(UTC)) == "21:00 UTC"
    omsk = midnight.astimezone(ZoneInfo("Asia/Omsk"))
    assert figures.time_of_day("en", omsk) == "03:00 UTC+06"
    assert (
        figures.time_of_day("en", midnight.astimezone(timezone(timedelta(hours=-3), "-03"))) == "18:00 UTC-03"
    )
