"""A referrer's commission: a share of each payment in balance_currency, rounded to kopecks."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.supabase.payments.conftest import Money, paid, unique_id


def refer(money: Money, status: str = "completed") -> tuple[int, int]:
    """Create a referrer and the user whom they referred."""
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
