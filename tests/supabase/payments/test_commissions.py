"""A referrer's commission: a share of each payment in balance_currency, rounded to kopecks."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.supabase.payments.conftest import Money, paid, refunded, unique_id
from tests.support import in_parallel


def refer(money: Money, status: str = "completed") -> tuple[int, int]:
    """Create a referrer and a user that they invited."""
    referrer, referred = money.user("Ben"), money.user()
    money.sql(
        "insert into user_referrals (referrer_id, referred_id, status) values (%s, %s, %s)",
        *(referrer, referred, status),
    )
    return referrer, referred


def set_percent(money: Money, percent: str) -> None:
    """Set the commission's share."""
    statement = "update private.settings set value = %s::jsonb where key = 'referral_commission_percent'"
    money.sql(statement, percent)


@pytest.mark.parametrize(
    ("percent", "given"),
    [("0", []), ("0.003", []), ("0.01", ["0.01"]), ("0.3", ["0.45"]), ("2.5", ["3.73"]), ("100", ["149.00"])],
)
def test_a_commission_is_rounded_to_kopecks(money: Money, percent: str, given: list[str]) -> None:
    ben, anna = refer(money)
    set_percent(money, percent)
    money.record(paid(unique_id(), money.order(anna)))
    rows = money.sql("select user_id, given from payment_effects where effect = 'commission'")
    assert [(row["user_id"], str(row["given"])) for row in rows] == [(ben, amount) for amount in given]
    assert money.user_row(ben)["balance"] == sum(map(Decimal, given))
    assert money.user_row(anna)["bonus_credits"] == 100


def test_a_payment_earns_one_commission(money: Money) -> None:
    ben, anna = refer(money)
    set_percent(money, "10")
    money.record(paid(payment := unique_id(), money.order(anna)))
    number = money.payment(payment)["id"]
    money.sql("select private.pay_commission(p, %s) from payments as p where p.id = %s", ben, number)
    assert money.user_row(ben)["balance"] == Decimal("14.90")


def test_a_payment_in_another_currency_or_without_a_referrer_earns_none(money: Money) -> None:
    ben, anna = refer(money)
    set_percent(money, "10")
    money.record(
        paid(unique_id(), money.order(anna, currency="XTR", provider="telegram_stars"), "120", "XTR"),
        provider="telegram_stars",
    )
    money.record(paid(unique_id(), money.order(money.user("Carl"))))
    assert money.sql("select from payment_effects where effect = 'commission'") == []
    assert money.user_row(ben)["balance"] == 0


def refer_twice(money: Money, status: str = "completed") -> tuple[int, int, int]:
    """Create a user, the referrer that they invited, and the buyer that the referrer invited."""
    ben, anna = refer(money)
    carl = money.user("Carl")
    money.sql(
        "insert into user_referrals (referrer_id, referred_id, status) values (%s, %s, %s)", carl, ben, status
    )
    return carl, ben, anna


def set_second_percent(money: Money, percent: str) -> None:
    money.sql("update private.settings set value = %s::jsonb where key = 'referral_second_percent'", percent)


def balances(money: Money, *users: int) -> list[Decimal]:
    return [money.user_row(user)["balance"] for user in users]


@pytest.mark.parametrize(("percent", "given"), [("0", "0"), ("0.003", "0"), ("0.3", "0.45"), ("5", "7.45")])
def test_second_referrer_gets_their_share(money: Money, percent: str, given: str) -> None:
    carl, ben, anna = refer_twice(money)
    set_percent(money, "10")
    set_second_percent(money, percent)
    money.record(paid(unique_id(), money.order(anna)))
    assert balances(money, carl, ben, anna) == [Decimal(given), Decimal("14.90"), 0]


def test_second_share_needs_no_first_one(money: Money) -> None:
    carl, ben, anna = refer_twice(money)
    set_second_percent(money, "5")
    money.record(paid(unique_id(), money.order(anna)))
    assert balances(money, carl, ben) == [Decimal("7.45"), 0]


@pytest.mark.parametrize("status", ["pending", "limit_reached"])
def test_second_referral_that_is_not_completed_earns_nothing(money: Money, status: str) -> None:
    carl, _, anna = refer_twice(money, status)
    set_second_percent(money, "5")
    money.record(paid(unique_id(), money.order(anna)))
    assert balances(money, carl) == [0]


def test_banned_second_referrer_earns_nothing(money: Money) -> None:
    carl, ben, anna = refer_twice(money)
    set_percent(money, "10")
    set_second_percent(money, "5")
    money.sql("update users set banned_at = now() where id = %s", carl)
    money.record(paid(unique_id(), money.order(anna)))
    assert balances(money, carl, ben) == [0, Decimal("14.90")]


def test_buyer_earns_nothing_from_their_own_payment(money: Money) -> None:
    ben, anna = refer(money)
    money.sql(
        "insert into user_referrals (referrer_id, referred_id, status) values (%s, %s, 'completed')",
        anna,
        ben,
    )
    set_second_percent(money, "5")
    money.record(paid(unique_id(), money.order(anna)))
    assert balances(money, anna, ben) == [0, 0]


def test_refund_takes_both_shares_back_and_its_failure_restores_them(money: Money) -> None:
    carl, ben, anna = refer_twice(money)
    set_percent(money, "10")
    set_second_percent(money, "5")
    money.record(paid(number := unique_id(), money.order(anna)))
    money.record(refunded(number, "74.50"))
    assert balances(money, carl, ben) == [Decimal("3.72"), Decimal("7.45")]
    failed = {"kind": "refund_failed", "payment_id": number, "operation_id": "r1"}
    money.record(failed)
    assert balances(money, carl, ben) == [Decimal("7.45"), Decimal("14.90")]
    money.record(refunded(number, "149.00", "r2"))
    assert balances(money, carl, ben) == [0, 0]


def test_purchase_from_the_balance_earns_no_second_share(money: Money) -> None:
    carl, _, anna = refer_twice(money)
    set_second_percent(money, "5")
    telegram_id = money.user_row(anna)["telegram_id"]
    money.sql("select adjust_balance(%s, 149, 'gift', 'gift:second')", telegram_id)
    money.sql("select pay_from_balance(%s, 'credits_100', 'assistant', 'second')", anna)
    assert balances(money, carl, anna) == [0, 0]


def test_payments_at_once_in_a_line_of_referrals_pay_each_share_once(money: Money) -> None:
    carl, ben, anna = refer_twice(money)
    set_percent(money, "10")
    set_second_percent(money, "5")
    orders = [money.order(user) for user in (anna, ben, carl, anna, ben, carl)]
    numbers = [unique_id() for _ in orders]
    in_parallel(6, lambda n: money.record(paid(numbers[n], orders[n])))
    # Carl: 5 % of Anna's two payments and 10 % of Ben's; Ben: 10 % of Anna's.
    assert balances(money, carl, ben, anna) == [Decimal("44.70"), Decimal("29.80"), 0]
    in_parallel(6, lambda n: money.record(paid(numbers[n], orders[n])))
    assert balances(money, carl, ben, anna) == [Decimal("44.70"), Decimal("29.80"), 0]
