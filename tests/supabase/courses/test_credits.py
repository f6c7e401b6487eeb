"""What a learner paid for a lower tier lowers the price of one upgrade, however many orders are open."""

from __future__ import annotations

import threading
from collections.abc import Callable

import psycopg
import pytest

from tests.supabase.courses.school import School, Sql
from tests.support import eventually, in_parallel


@pytest.fixture
def anna(school: School) -> int:
    """Return a learner with the basic tier, for 1,000 rubles; VIP for 30 days costs 500 more."""
    school.offer("vip30", "vip", 1500, access_days=30)
    anna = school.learner(balance=10_000)
    school.buy(anna)
    return anna


def amounts(sql: Sql) -> list[int]:
    """Return what upgrades have cost that count."""
    rows = sql(
        "select amount from enrollment_grants where source = 'upgrade' and withdrawn_at is null order by id"
    )
    return [int(row["amount"]) for row in rows]


def test_what_was_paid_counts_in_its_own_currency_only(school: School) -> None:
    anna, ben = school.learner(), school.learner()
    credits = lambda user, product: school.call("upgrade_credits", p_user_id=user, p_product_key=product)  # noqa: E731
    assert credits(anna, "vip") == {}
    number = school.buy(anna, currency="XTR")
    assert credits(anna, "vip") == {"XTR": "500.00"}
    assert school.price(anna, "vip") == "6000.00"
    assert school.price(anna, "vip", "XTR") == "2500.00"
    assert credits(anna, "basic") == credits(ben, "vip") == credits(anna, "nothing") == {}
    school.refund(number)
    assert credits(anna, "vip") == {}


def test_two_open_orders_spend_a_credit_once(school: School, sql: Sql, anna: int) -> None:
    first, second = (school.money.order(anna, "vip30") for _ in range(2))
    number = school.pay(first)
    late = school.pay(second)
    assert school.money.payment(late)["problem"] == "withdrawn"
    assert amounts(sql) == [500]
    school.refund(late)
    school.refund(number)
    assert school.price(anna, "vip30") == "500.00"


@pytest.mark.parametrize("_attempt", range(5))
def test_two_orders_paid_at_once_spend_a_credit_once(
    school: School, sql: Sql, anna: int, _attempt: int
) -> None:
    orders = [
        school.money.order(anna, "vip30", provider=name) for name in ("yookassa", "yookassa", "yookassa")
    ]
    in_parallel(3, lambda n: school.pay(orders[n]))
    assert amounts(sql) == [500]
    problems = sql("select problem from payments where problem is not null")
    assert problems == [{"problem": "withdrawn"}] * 2


def test_a_credit_that_is_used_lowers_a_higher_tier(school: School, sql: Sql, anna: int) -> None:
    vip = school.money.order(anna, "vip")
    middle = school.money.order(anna, "accelerator")
    school.buy(anna, "accelerator")
    assert school.money.payment(school.pay(middle))["problem"] == "withdrawn"
    assert school.money.payment(school.pay(vip))["problem"] is None
    assert amounts(sql) == [1500, 5000]


def test_a_purchase_from_balance_that_loses_its_credit_is_refused(
    school: School, sql: Sql, connect: Callable[[], psycopg.Connection], anna: int
) -> None:
    """It waits for the payment of another upgrade, and takes no money once that one has counted."""
    refusals: list[str | None] = []

    def buy() -> None:
        try:
            school.call(
                "pay_from_balance",
                p_user_id=anna,
                p_product_key="vip30",
                p_bot="assistant",
                p_reference="late",
            )
        except psycopg.Error as error:
            refusals.append(error.sqlstate)

    with connect() as other, other.transaction():
        other.execute(
            "select pg_advisory_xact_lock(hashtextextended(format('upgrades of %%s', %s::bigint), 0))",
            (anna,),
        )
        thread = threading.Thread(target=buy)
        thread.start()
        eventually(
            lambda: sql(
                "select from pg_stat_activity where wait_event_type = 'Lock' and query like %s",
                "%pay_from_balance%",
            ),
            10,
        )
        sql("update enrollment_grants set withdrawn_at = private.clock(), withdrawn_for = 'refund'")
    thread.join(20)
    assert refusals == ["M0004"]
    assert sql("select balance from users where id = %s", anna)[0]["balance"] == 10_000
