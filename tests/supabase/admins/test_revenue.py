"""Revenue by currency and conversion of new users, for today, 7 and 30 days, by the day of the operation."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from tests.supabase.admins.users import Call, Sql, new_user

_numbers = itertools.count(1)
NOW = "timestamptz '2031-03-20 12:00+00'"
Revenue = Callable[[], Any]


@pytest.fixture
def revenue(call: Call, boss: str, clock: Callable[[str], None]) -> Revenue:
    """Return a function that reads the revenue as an admin."""
    clock(NOW)
    return lambda: call("admin_revenue", p_admin_email=boss)


def pay(sql: Sql, user: int | None, amount: str, ago: str, currency: str = "RUB", **rest: Any) -> int:
    """Insert a completed payment; return its id."""
    columns = {"provider": "yookassa", "is_test": False, "problem": None, **rest}
    payment = sql(
        "insert into payments (provider, provider_payment_id, user_id, status, currency, amount, is_test, "
        "problem) values (%s, %s, %s, 'completed', %s, %s, %s, %s) returning id",
        columns["provider"],
        f"revenue-{next(_numbers)}",
        user,
        currency,
        amount,
        columns["is_test"],
        columns["problem"],
    )[0]["id"]
    move(sql, payment, "paid", amount, ago)
    return int(payment)


def move(sql: Sql, payment: int, kind: str, amount: str, ago: str, **rest: Any) -> None:
    """Insert an operation of a payment."""
    sql(
        "insert into payment_operations (payment_id, kind, operation_id, amount, currency, is_undone, "
        f"happened_at) values (%s, %s, %s, %s, %s, %s, {NOW} - %s::interval)",
        payment,
        kind,
        f"op-{next(_numbers)}",
        amount,
        rest.get("currency"),
        rest.get("undone", False),
        ago,
    )


def figures(found: Any, currency: str, period: str) -> tuple[float, float, float]:
    """Return gross, refunds and net of a currency in a period."""
    (line,) = [one for one in found["currencies"] if one["currency"] == currency]
    return tuple(float(line[period][kind]) for kind in ("gross", "refunds", "net"))  # type: ignore[return-value]


def test_no_sales_give_zeros(revenue: Revenue) -> None:
    found = revenue()
    assert found["currencies"] == []
    assert found["month"] == {"payments": 0, "refunds": 0, "paid": 0, "new": 0}


def test_each_operation_counts_on_its_day_and_in_its_currency(sql: Sql, revenue: Revenue) -> None:
    old = pay(sql, None, "1000", "45 days")
    move(sql, old, "refund", "1000", "2 days")
    move(sql, pay(sql, None, "499", "1 hour"), "refund", "100.50", "1 minute")
    pay(sql, None, "350", "6 days", "XTR")
    pay(sql, None, "200", "29 days 14 hours")  # the first minute of the 30th day was 14:45 hours earlier
    pay(sql, None, "5000", "29 days 16 hours")
    found = revenue()
    assert figures(found, "RUB", "day") == (499, 100.5, 398.5)
    assert figures(found, "RUB", "week") == (499, 1100.5, -601.5)
    assert figures(found, "RUB", "month") == (699, 1100.5, -401.5)
    assert figures(found, "XTR", "day") == (0, 0, 0)
    assert figures(found, "XTR", "week") == (350, 0, 350)
    counts = {
        period: (found[period]["payments"], found[period]["refunds"]) for period in ("day", "week", "month")
    }
    assert counts == {"day": (1, 1), "week": (2, 2), "month": (3, 2)}
    assert [one["currency"] for one in found["currencies"]] == ["RUB", "XTR"]


def test_test_payments_and_balance_purchases_do_not_count(sql: Sql, revenue: Revenue) -> None:
    pay(sql, None, "100", "1 hour", provider="balance")
    pay(sql, None, "100", "1 hour", is_test=True, problem="test")
    real = pay(sql, None, "7", "1 hour", "USD")
    move(sql, real, "refund", "7", "1 minute", undone=True)
    move(sql, real, "refund", "600", "1 minute", currency="RUB")
    found = revenue()
    assert [one["currency"] for one in found["currencies"]] == ["USD"]
    assert figures(found, "USD", "day") == (7, 0, 7)


def test_totals_and_refunds_of_one_payment_are_not_added_up(sql: Sql, revenue: Revenue) -> None:
    payment = pay(sql, None, "100", "3 hours", "EUR")
    move(sql, payment, "refund", "30", "2 hours")
    move(sql, payment, "refund_total", "30", "2 hours")
    move(sql, payment, "refund_total", "50", "1 hour")
    move(sql, payment, "dispute", "20", "1 minute")
    assert figures(revenue(), "EUR", "day") == (100, 70, 30)


def test_a_refund_without_its_payment_has_no_currency_and_no_line(sql: Sql, revenue: Revenue) -> None:
    payment = pay(sql, None, "100", "1 hour")
    sql("update payments set currency = null, amount = null, status = 'refunded' where id = %s", payment)
    sql("delete from payment_operations where payment_id = %s", payment)
    move(sql, payment, "refund", "40", "1 hour", currency="RUB")
    assert revenue()["currencies"] == []


def test_conversion_counts_users_created_in_the_period(sql: Sql, revenue: Revenue) -> None:
    for days, count in ((0, 3), (3, 4), (20, 10)):
        sql(
            "insert into daily_totals (day, provider, model, is_user_api_key, shard, new_users) "
            "values (date '2031-03-20' - %s, '', '', false, 0, %s)",
            days,
            count,
        )
    for days in (0, 0, 3, 20, 60):
        user = new_user(sql)
        sql(
            f"update users set created_at = {NOW} - make_interval(days => %s, mins => 5) where id = %s",
            days,
            user,
        )
        pay(sql, user, "10", "1 minute")
        pay(sql, user, "10", "1 minute")
    found = revenue()
    shares = {period: (found[period]["paid"], found[period]["new"]) for period in ("day", "week", "month")}
    assert shares == {"day": (2, 3), "week": (3, 7), "month": (4, 17)}


def test_only_admins_may_call(refused: Callable[..., Any], boss: str) -> None:
    assert refused("admin_revenue", p_admin_email="eve@example.com") == "N0001"
