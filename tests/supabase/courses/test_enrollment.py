"""A payment for a course enrolls its buyer; refunds, disputes and upgrades keep access and money in step."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.supabase.courses.school import School, Sql
from tests.supabase.payments.conftest import paid
from tests.supabase.payments.promocodes import new_code, redeem
from tests.support import in_parallel


def test_a_purchase_enrolls_for_life(school: School, sql: Sql) -> None:
    anna = school.learner()
    number = school.buy(anna)
    (enrollment,) = school.enrollments(anna).values()
    assert (enrollment["tier"], enrollment["source"], enrollment["expires_at"]) == ("basic", "purchase", None)
    assert (enrollment["amount_paid"], enrollment["currency"]) == (Decimal("1000.00"), "RUB")
    payment = school.money.payment(number)
    assert (enrollment["payment_id"], enrollment["order_id"]) == (payment["id"], payment["order_id"])
    assert enrollment["enrolled_at"] == school.time.now


def test_twenty_reports_of_one_payment_enroll_once(school: School, sql: Sql) -> None:
    anna = school.learner()
    order = school.money.order(anna, "basic")
    event = paid("course-many", order, "1000.00")
    in_parallel(20, lambda n: school.money.record(event, key=f"course-many-{n}"))
    assert sql("select count(*) as n from enrollment_grants")[0]["n"] == 1


def test_a_full_refund_withdraws_and_a_partial_one_does_not(school: School) -> None:
    anna = school.learner()
    number = school.buy(anna)
    school.refund(number, "400.00")
    assert school.enrollments(anna)
    school.refund(number, "600.00")
    assert not school.enrollments(anna)


def test_a_won_dispute_restores_the_course(school: School) -> None:
    anna = school.learner()
    number = school.buy(anna)
    dispute = {"payment_id": number, "operation_id": "d1", "amount": "1000.00"}
    school.money.record({"kind": "disputed", **dispute})
    assert not school.enrollments(anna)
    school.money.record({"kind": "dispute_won", **dispute})
    assert school.enrollments(anna)


def test_an_upgrade_costs_the_difference_to_what_was_paid(school: School) -> None:
    anna = school.learner()
    assert school.price(anna, "vip") == "6000.00"
    number = school.buy(anna)
    assert school.price(anna, "basic") is None
    assert school.price(anna, "accelerator") == "1500.00"
    school.refund(number, "200.00")
    assert school.price(anna, "accelerator") == "1700.00"
    school.buy(anna, "accelerator")
    assert school.price(anna, "vip") == "3500.00"
    vip = school.money.order(anna, "vip")
    school.pay(vip)
    enrollments = school.enrollments(anna)
    assert {tier: row["source"] for tier, row in enrollments.items()} == {
        "basic": "purchase", "accelerator": "upgrade", "vip": "upgrade",
    }  # fmt: skip
    assert enrollments["vip"]["amount_paid"] == Decimal("3500.00")


def test_what_was_paid_in_another_currency_lowers_no_price(school: School) -> None:
    anna = school.learner()
    school.buy(anna, currency="XTR", provider="yookassa")
    assert school.price(anna, "vip") == "6000.00"
    assert school.price(anna, "vip", "XTR") == "2500.00"


def test_an_upgrade_is_never_sold_below_zero(school: School, sql: Sql) -> None:
    anna = school.learner()
    school.buy(anna)
    sql("update product_prices set amount = 900 where product_key = 'vip' and currency = 'RUB'")
    assert school.price(anna, "vip") is None
    made = school.call(
        "create_order", p_user_id=anna, p_product_key="vip", p_provider="yookassa", p_currency="RUB",
        p_bot="assistant",
    )  # fmt: skip
    assert made["outcome"] == "not_for_sale"


def test_the_order_of_an_upgrade_says_what_it_credits(school: School) -> None:
    anna = school.learner()
    school.buy(anna)
    made = school.call(
        "create_order", p_user_id=anna, p_product_key="vip", p_provider="yookassa", p_currency="RUB",
        p_bot="assistant",
    )  # fmt: skip
    assert (made["amount"], made["credit"], made["full_amount"]) == ("5000.00", "1000.00", None)


def test_a_refund_of_the_first_purchase_withdraws_its_upgrade(school: School, sql: Sql) -> None:
    anna = school.learner()
    first = school.buy(anna)
    second = school.buy(anna, "vip")
    school.refund(first)
    assert not school.enrollments(anna)
    assert _alarms(sql) == [school.money.payment(second)["id"]]
    school.refund(second)
    assert not school.enrollments(anna)


def test_a_refund_of_the_upgrade_leaves_the_first_purchase(school: School, sql: Sql) -> None:
    anna = school.learner()
    school.buy(anna)
    school.refund(school.buy(anna, "vip"))
    assert list(school.enrollments(anna)) == ["basic"]
    assert school.price(anna, "vip") == "5000.00"
    assert _alarms(sql) == []


def test_a_partial_refund_of_an_upgraded_purchase_alarms_once(school: School, sql: Sql) -> None:
    anna, ben = school.learner(), school.learner()
    first = school.buy(anna)
    school.refund(school.buy(ben), 100)
    alarm = "select values from private.waiting_alarms where key = 'payment_alarm_upgraded_refund'"
    school.refund(first, 100)
    assert sql(alarm) == []  # neither was upgraded
    school.buy(anna, "vip")
    school.refund(first, 200)
    assert [row["values"]["payment"] for row in sql(alarm)] == [school.money.payment(first)["id"]]
    school.refund(first, 700)  # all of it now: the upgrade is withdrawn
    assert len(sql(alarm)) == 1
    assert len(_alarms(sql)) == 1


def _alarms(sql: Sql) -> list[int]:
    """Return the payments of alarms about withdrawn upgrades, which wait for an admin to start a bot."""
    rows = sql("select values from private.waiting_alarms where key = 'payment_alarm_upgrade'")
    return [row["values"]["payment"] for row in rows]


def test_an_upgrade_whose_first_purchase_was_refunded_is_not_paid(school: School, sql: Sql) -> None:
    anna = school.learner()
    first = school.buy(anna)
    order = school.money.order(anna, "vip")
    check = {"p_provider": "yookassa", "p_order_id": order, "p_telegram_id": None, "p_currency": "RUB"}
    assert school.call("check_order", p_amount=Decimal("5000.00"), **check) == "ok"
    school.refund(first, "1.00")
    assert school.call("check_order", p_amount=Decimal("5000.00"), **check) == "expired"
    number = school.pay(order)
    assert school.money.payment(number)["problem"] == "withdrawn"
    assert "vip" not in school.enrollments(anna)


@pytest.mark.parametrize("_attempt", range(5))
def test_a_refund_and_the_upgrade_at_once_never_leave_a_cheap_course(
    school: School, sql: Sql, _attempt: int
) -> None:
    anna = school.learner()
    first = school.buy(anna)
    order = school.money.order(anna, "vip")
    in_parallel(2, lambda n: school.pay(order) if n else school.refund(first))
    assert not school.enrollments(anna)
    (row,) = sql("select problem from payments where order_id = %s", order)
    assert (row["problem"] == "withdrawn") != bool(_alarms(sql))


def test_two_payments_for_one_tier_leave_it_when_one_is_refunded(school: School) -> None:
    anna = school.learner()
    orders = [school.money.order(anna, "basic") for _ in range(2)]
    numbers = [school.pay(order) for order in orders]
    school.refund(numbers[1])
    assert school.enrollments(anna)["basic"]["payment_id"] == school.money.payment(numbers[0])["id"]
    school.refund(numbers[0])
    assert not school.enrollments(anna)


def test_days_of_access_follow_each_other(school: School) -> None:
    school.offer("month", "basic", 300, access_days=30)
    anna = school.learner()
    start = school.time.now
    first = school.buy(anna, "month")
    assert school.enrollments(anna)["basic"]["expires_at"] == start + timedelta(days=30)
    school.time.move(days=10)
    school.buy(anna, "month")
    assert school.enrollments(anna)["basic"]["expires_at"] == start + timedelta(days=60)
    school.refund(first)
    assert school.enrollments(anna)["basic"]["expires_at"] == start + timedelta(days=40)
    school.buy(anna, "basic")
    assert school.enrollments(anna)["basic"]["expires_at"] is None


def test_expired_access_lowers_no_price(school: School) -> None:
    school.offer("month", "basic", 300, access_days=30)
    anna = school.learner()
    school.buy(anna, "month")
    assert school.price(anna, "vip") == "5700.00"
    school.time.move(days=30)
    assert school.price(anna, "vip") == "6000.00"


def test_days_of_a_cohort_begin_with_it_and_its_places_end(school: School) -> None:
    starts = (school.time.now + timedelta(days=7)).isoformat()
    ends = (school.time.now + timedelta(days=2)).isoformat()
    cohort = school.cohort(starts, enrolls_until=ends)
    school.offer("may", "basic", 500, cohort_id=cohort, access_days=30)
    anna, ben = school.learner(), school.learner()
    school.buy(anna, "may")
    enrollment = school.enrollments(anna)["basic"]
    assert (enrollment["cohort_id"], enrollment["expires_at"]) == (
        cohort,
        school.time.now + timedelta(days=37),
    )
    school.time.move(days=2)
    assert school.price(ben, "may") is None


def test_terms_are_those_of_the_order(school: School, sql: Sql) -> None:
    anna = school.learner()
    order = school.money.order(anna, "basic")
    sql("update course_offers set tier = 'vip', access_days = 1 where product_key = 'basic'")
    school.pay(order)
    assert school.enrollments(anna)["basic"]["expires_at"] is None


def test_a_hidden_course_is_not_sold(school: School, sql: Sql) -> None:
    sql("update courses set is_published = false")
    assert school.price(school.learner(), "basic") is None


def test_a_course_paid_from_balance_and_refunded_there(school: School) -> None:
    anna = school.learner(balance=7000)
    school.call(
        "pay_from_balance", p_user_id=anna, p_product_key="basic", p_bot="assistant", p_reference="b1"
    )
    bought = school.call(
        "pay_from_balance", p_user_id=anna, p_product_key="vip", p_bot="assistant", p_reference="b2"
    )
    assert (bought["outcome"], bought["amount"], bought["balance"]) == ("paid", "5000.00", "1000.00")
    assert set(school.enrollments(anna)) == {"basic", "vip"}


def test_a_promo_code_lowers_the_difference(school: School, sql: Sql) -> None:
    anna = school.learner()
    school.buy(anna)
    redeem(school.money, anna, new_code(sql, "percent", 50))
    order = school.money.order(anna, "vip")
    (row,) = sql("select amount, full_amount from orders where id = %s", order)
    assert (row["amount"], row["full_amount"]) == (Decimal("2500.00"), Decimal("5000.00"))
