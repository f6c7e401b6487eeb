"""Plan time: by the calendar, consecutive purchases, refunds and renewals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.supabase.payments.conftest import Money, message_keys, paid, refunded, unique_id
from tests.support import in_parallel

Sql = Callable[..., list[dict[str, Any]]]
Clock = Callable[[str], None]
MOSCOW = ZoneInfo("Europe/Moscow")


def buy(money: Money, user_id: int, product: str = "premium_month", **rest: Any) -> str:
    """Order and pay; return the provider's id of the payment."""
    price = {"premium_month": "499.00", "premium_year": "4990.00"}[product]
    pay = unique_id()
    result = money.record(paid(pay, money.order(user_id, product, **rest), price))
    assert result["outcome"] == "applied", result
    return pay


def test_a_month_grants_the_plan_and_the_next_month_extends_it(money: Money, clock: Clock) -> None:
    clock("timestamptz '2027-01-31 12:00:00+03'")
    anna = money.user()
    buy(money, anna)
    user = money.user_row(anna)
    assert (user["vip_level"], user["is_paid"]) == (1, True)
    assert money.ends_at(anna) == datetime(2027, 2, 28, 12, tzinfo=MOSCOW)
    buy(money, anna)
    assert money.ends_at(anna) == datetime(2027, 3, 31, 12, tzinfo=MOSCOW), "the 31st again"
    buy(money, anna, "premium_year")
    assert money.ends_at(anna) == datetime(2028, 3, 31, 12, tzinfo=MOSCOW)


@pytest.mark.parametrize(
    ("begins", "product", "ends"),
    [
        ("2028-01-31 23:30:00+03", "premium_month", "2028-02-29 23:30:00+03:00"),
        ("2028-02-29 10:00:00+03", "premium_year", "2029-02-28 10:00:00+03:00"),
        ("2026-12-31 23:59:59+03", "premium_month", "2027-01-31 23:59:59+03:00"),
        ("2026-12-31 22:00:00+00", "premium_month", "2027-02-01 01:00:00+03:00"),  # the 1st in Moscow already
    ],
)
def test_a_period_ends_by_the_calendar(
    money: Money, clock: Clock, begins: str, product: str, ends: str
) -> None:
    clock(f"timestamptz '{begins}'")
    anna = money.user()
    buy(money, anna, product)
    assert money.ends_at(anna) == datetime.fromisoformat(ends)


def test_a_month_keeps_the_hour_across_a_clock_change(money: Money, clock: Clock, sql: Sql) -> None:
    sql("update private.settings set value = '\"Europe/Berlin\"' where key = 'quota_timezone'")
    clock("timestamptz '2027-03-15 18:00:00+01'")  # Germany's clocks change on 28 March
    anna = money.user()
    buy(money, anna)
    assert money.ends_at(anna) == datetime(2027, 4, 15, 18, tzinfo=ZoneInfo("Europe/Berlin"))


def test_a_purchase_after_the_end_starts_now(money: Money, clock: Clock, sql: Sql) -> None:
    clock("timestamptz '2027-01-31 12:00:00+03'")
    anna = money.user()
    buy(money, anna)
    clock("timestamptz '2027-05-10 09:00:00+03'")
    sql("select private.expire_subscriptions(100)")
    assert money.user_row(anna)["vip_level"] == 0
    buy(money, anna)
    assert money.ends_at(anna) == datetime(2027, 6, 10, 9, tzinfo=MOSCOW)
    assert money.user_row(anna)["vip_level"] == 1


def test_ten_concurrent_purchases_add_up(money: Money, clock: Clock) -> None:
    clock("timestamptz '2027-01-10 12:00:00+03'")
    anna = money.user()
    orders = [money.order(anna, "premium_month") for _ in range(10)]
    in_parallel(10, lambda n: money.record(paid(unique_id(), orders[n], "499.00")))
    assert money.ends_at(anna) == datetime(2027, 11, 10, 12, tzinfo=MOSCOW)


def test_a_refund_reverses_the_time(money: Money, clock: Clock) -> None:
    clock("timestamptz '2027-01-10 12:00:00+03'")
    anna = money.user()
    first, second = buy(money, anna), buy(money, anna)
    assert money.ends_at(anna) == datetime(2027, 3, 10, 12, tzinfo=MOSCOW)

    result = money.record(refunded(second, "249.50"))
    assert message_keys(result["outgoing"]) == ["refunded_part"]
    assert money.ends_at(anna) == datetime(2027, 3, 10, 12, tzinfo=MOSCOW) - timedelta(days=14)
    money.record(refunded(second, "249.50", "r2"))
    assert money.ends_at(anna) == datetime(2027, 2, 10, 12, tzinfo=MOSCOW)

    clock("timestamptz '2027-01-20 12:00:00+03'")
    money.record(refunded(first, "499.00"))
    assert money.ends_at(anna) is None
    assert (money.user_row(anna)["vip_level"], money.user_row(anna)["is_paid"]) == (0, False)
    money.record({"kind": "refund_failed", "payment_id": first, "operation_id": "r1"})
    assert money.ends_at(anna) == datetime(2027, 2, 10, 12, tzinfo=MOSCOW), "less the 21 days reversed"
    assert money.user_row(anna)["vip_level"] == 1


def test_a_renewal_is_charged_every_period(money: Money, clock: Clock, sql: Sql) -> None:
    clock("timestamptz '2027-01-10 12:00:00+03'")
    anna, subscription = money.user(), f"sub_{unique_id()}"
    order = money.order(anna, "premium_month", provider="stripe", p_renews=True)
    first = paid(unique_id(), order, "499.00", subscription_id=subscription)
    assert message_keys(money.record(first, provider="stripe")["outgoing"]) == ["paid_subscription"]

    clock("timestamptz '2027-02-10 12:00:00+03'")
    next_one = paid(unique_id(), order, "499.00", subscription_id=subscription)
    assert message_keys(money.record(next_one, provider="stripe")["outgoing"]) == ["renewed"]
    assert money.ends_at(anna) == datetime(2027, 3, 10, 12, tzinfo=MOSCOW)
    assert money.record(next_one, provider="stripe")["outgoing"] == []

    ended = {"kind": "subscription_canceled", "subscription_id": subscription}
    assert message_keys(money.record(ended, provider="stripe")["outgoing"]) == ["renewal_canceled"]
    assert money.record(ended, provider="stripe")["outgoing"] == []
    assert money.ends_at(anna) == datetime(2027, 3, 10, 12, tzinfo=MOSCOW), "the paid period continues"
    ended = {"kind": "subscription_ended", "subscription_id": subscription}
    assert money.record(ended, provider="stripe")["outgoing"] == []
    rows = sql("select status from renewals where provider_subscription_id = %s", subscription)
    assert rows == [{"status": "ended"}]


def test_a_cancellation_with_our_button_is_confirmed_once(money: Money, clock: Clock, sql: Sql) -> None:
    clock("timestamptz '2027-01-10 12:00:00+03'")
    anna, other, subscription = money.user(), money.user(), f"sub_{unique_id()}"
    order = money.order(anna, "premium_month", provider="stripe", p_renews=True)
    money.record(paid(unique_id(), order, "499.00", subscription_id=subscription), provider="stripe")
    (row,) = sql("select id from renewals where provider_subscription_id = %s", subscription)
    canceled = {"kind": "subscription_canceled", "subscription_id": subscription}
    active = {"kind": "subscription_active", "subscription_id": subscription}

    money.call("begin_cancel", p_user_id=other, p_renewal_id=row["id"])
    assert message_keys(money.record(canceled, provider="stripe")["outgoing"]) == ["renewal_canceled"]
    money.record(active, provider="stripe")

    money.call("begin_cancel", p_user_id=anna, p_renewal_id=row["id"])
    clock("timestamptz '2027-01-10 12:01:59+03'")
    assert money.record(canceled, provider="stripe")["outgoing"] == [], "the screen shows it"
    assert money.call("cancel_renewal", p_user_id=anna, p_renewal_id=row["id"])["outcome"] == "known"
    money.record(active, provider="stripe")

    # The provider did not answer, so its later confirmation is notified.
    money.call("begin_cancel", p_user_id=anna, p_renewal_id=row["id"])
    assert money.call("abort_cancel", p_user_id=other, p_renewal_id=row["id"]) == {"outcome": "unknown"}
    assert money.call("abort_cancel", p_user_id=anna, p_renewal_id=row["id"]) == {"outcome": "running"}
    assert message_keys(money.record(canceled, provider="stripe")["outgoing"]) == ["renewal_canceled"]
    known = money.call("abort_cancel", p_user_id=anna, p_renewal_id=row["id"])
    assert (known["outcome"], known["is_over"]) == ("known", False)
    money.record(active, provider="stripe")

    # The provider was not reached, so its own later cancellation is notified.
    money.call("begin_cancel", p_user_id=anna, p_renewal_id=row["id"])
    clock("timestamptz '2027-01-10 12:04:00+03'")
    assert message_keys(money.record(canceled, provider="stripe")["outgoing"]) == ["renewal_canceled"]


def test_a_second_period_that_arrives_before_the_first_is_applied_after_it(
    money: Money, clock: Clock
) -> None:
    clock("timestamptz '2027-01-10 12:00:00+03'")
    anna, subscription, early = money.user(), f"sub_{unique_id()}", unique_id()
    order = money.order(anna, "premium_month", provider="stripe", p_renews=True)
    money.record(paid(early, None, "499.00", subscription_id=subscription), provider="stripe")
    assert money.payment(early, "stripe")["problem"] == "no_order"
    assert money.ends_at(anna) is None

    first = paid(unique_id(), order, "499.00", subscription_id=subscription)
    result = money.record(first, provider="stripe")

    assert message_keys(result["outgoing"]) == ["paid_subscription", "renewed"]
    assert money.payment(early, "stripe")["problem"] is None
    assert money.ends_at(anna) == datetime(2027, 3, 10, 12, tzinfo=MOSCOW)


def test_an_event_of_an_unknown_subscription_must_be_repeated(money: Money) -> None:
    result = money.record({"kind": "subscription_ended", "subscription_id": "unknown"})
    assert result["outcome"] == "failed"
    assert result["error"].startswith("M0002")


def test_the_referrer_receives_the_commission_once(money: Money, sql: Sql) -> None:
    boris, anna, pay = money.user("Boris"), money.user(), unique_id()
    sql(
        "insert into user_referrals (referrer_id, referred_id, status, completed_at) "
        "values (%s, %s, 'completed', private.clock())",
        boris,
        anna,
    )
    sql("update private.settings set value = '10' where key = 'referral_commission_percent'")
    order = money.order(anna)
    in_parallel(5, lambda _n: money.record(paid(pay, order)))
    assert float(money.user_row(boris)["balance"]) == 14.9
    money.record(refunded(pay, "149.00"))
    assert float(money.user_row(boris)["balance"]) == 0


def test_times_are_sent_in_utc(money: Money) -> None:
    anna = money.user()
    result = money.record(paid(unique_id(), money.order(anna, "premium_month"), "499.00"))
    until = result["outgoing"][0]["parameters"]["values"]["until"]["date"]
    assert datetime.fromisoformat(until) > datetime.now(UTC)
