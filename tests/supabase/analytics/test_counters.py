"""Counters at the event: the funnel, retention, subscribers; each user and step once, also at once."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.supabase.analytics.conftest import Business, Sql
from tests.supabase.payments.conftest import unique_id
from tests.support import in_parallel

MONTH, YEAR, STARS = Decimal("499.00"), Decimal("415.83"), Decimal("350.00")


def steps(sql: Sql) -> dict[tuple[Any, str], int]:
    rows = sql(
        "select cohort_day, step, sum(users) as users from daily_funnel where step <> 'started' group by 1, 2"
    )
    return {(row["cohort_day"], row["step"]): int(row["users"]) for row in rows}


def cohort(sql: Sql) -> dict[int, int]:
    rows = sql("select day_n, sum(users) as users from cohort_activity group by 1 order by 1")
    return {row["day_n"]: int(row["users"]) for row in rows}


def test_each_step_counts_once_within_thirty_days_of_the_start(business: Business, sql: Sql) -> None:
    first = business.at(0)
    anna, ben = business.start(), business.start()
    business.answer(anna)
    business.answer(anna)
    business.at(30)
    order = business.order(anna)
    business.order(anna)
    business.pay(order)
    business.at(31)
    business.answer(ben)
    business.buy(ben)
    assert steps(sql) == {(first, "answered"): 1, (first, "checkout"): 1, (first, "paid"): 1}
    reached = sql("select answered_on, checkout_on, paid_on from user_milestones where user_id = %s", ben)
    assert set(reached[0].values()) == {business.today()}, "later steps are known, but not of the funnel"


def test_a_user_belongs_to_the_bot_that_was_started_first(
    business: Business, sql: Sql, call: Callable[..., Any]
) -> None:
    first = business.at(0)
    anna, ben = business.start("quiz"), business.start()
    business.visit(anna)
    for user in (anna, ben):
        business.answer(user)
    business.buy(anna)  # in the bot spin
    rows = sql("select cohort_day, bot, step, users from daily_funnel where users > 0")
    assert {(row["cohort_day"], row["bot"], row["step"], row["users"]) for row in rows} == {
        (first, "quiz", step, 1) for step in ("started", "answered", "checkout", "paid")
    } | {(first, "spin", step, 1) for step in ("started", "answered")}
    business.at(1)
    sql("update user_milestones set bot = 'spin' where user_id = %s", anna)
    assert business.night() == sorted(
        f"funnel_{step} {bot}"
        for step in ("started", "answered", "checkout", "paid")
        for bot in ("quiz", "spin")
    ), "the recount looks at each bot"


def test_a_user_starts_with_the_bot_of_the_first_update(
    business: Business, sql: Sql, call: Callable[..., Any]
) -> None:
    for number, bot in enumerate(("quiz", "spin")):
        call(
            "receive_update",
            p_bot=bot,
            p_update_id=910 + number,
            p_delivery=f"00000000-0000-0000-0000-00000000091{number}",
            p_kind="message",
            p_chat_id=77_001,
            p_telegram_user={"id": 77_001, "first_name": "Anna"},
            p_payload={},
            p_lease_seconds=40,
        )
    rows = sql(
        "select m.bot from user_milestones as m join users as u on u.id = m.user_id"
        " where u.telegram_id = 77001"
    )
    assert rows == [{"bot": "quiz"}]
    assert sql("select bot, users from daily_funnel where step = 'started'") == [{"bot": "quiz", "users": 1}]


def test_a_refused_question_is_the_limit(business: Business, sql: Sql, call: Callable[..., Any]) -> None:
    anna = business.start()
    (telegram_id,) = (row["telegram_id"] for row in sql("select telegram_id from users where id = %s", anna))
    sql("update subscription_limits set daily_requests = 0 where plan = 'FREE'")
    for number in (901, 902):
        done = call(
            "receive_update",
            p_bot="spin",
            p_update_id=number,
            p_delivery=f"00000000-0000-0000-0000-000000000{number}",
            p_kind="message",
            p_chat_id=telegram_id,
            p_telegram_user={"id": telegram_id, "first_name": "Anna"},
            p_payload={},
            p_lease_seconds=40,
            p_reserve=True,
        )
        assert done["reservation"] == "refused"
    assert steps(sql) == {(business.today(), "limited"): 1}


def test_users_who_started_no_bot_are_in_no_funnel(business: Business, sql: Sql) -> None:
    business.order(business.money.user())
    assert steps(sql) == {}


def test_purchases_from_the_balance_are_no_payment(business: Business, sql: Sql) -> None:
    anna = business.start()
    sql("select adjust_balance(u.telegram_id, 1000, 'gift', 'test:1') from users as u where u.id = %s", anna)
    business.money.call(
        "pay_from_balance", p_user_id=anna, p_product_key="premium_month", p_bot="spin", p_reference="b:1"
    )
    assert steps(sql) == {(business.today(), "checkout"): 1}
    assert business.mrr() == {"RUB": (MONTH, 1)}, "the plan costs as much with any way to pay"


def test_a_user_counts_once_a_day_in_the_cohort(business: Business, sql: Sql) -> None:
    business.at(0, "23:50")
    anna = business.start()
    business.visit(anna)
    assert cohort(sql) == {}, "the day of the start has its own counter"
    for day, time in ((1, "00:10"), (1, "23:50"), (7, "12:00"), (30, "12:00"), (31, "12:00")):
        business.at(day, time)
        business.visit(anna)
    assert cohort(sql) == {1: 1, 7: 1, 30: 1}


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Kiritimati", "Europe/Berlin"])
def test_days_are_those_of_the_time_zone(
    business: Business, sql: Sql, setting: Callable[[str, Any], None], zone: str
) -> None:
    setting("quota_timezone", zone)
    # 31 March 2041 begins summer time in Berlin: its day has 23 hours.
    business.at(29, "23:30")
    anna = business.start()
    business.at(30, "00:30")
    business.visit(anna)
    business.at(31, "00:30")
    business.visit(anna)
    assert cohort(sql) == {1: 1, 2: 1}
    assert business.night() == []


def test_two_orders_at_once_are_one_checkout(business: Business, sql: Sql, call: Callable[..., Any]) -> None:
    anna = business.start()

    def order(number: int) -> None:
        call(
            "create_order",
            p_user_id=anna,
            p_product_key="credits_100",
            p_provider="yookassa",
            p_currency="RUB",
            p_bot="spin",
            p_reference=f"{number}:{unique_id()}",
        )

    in_parallel(8, order)
    assert steps(sql) == {(business.today(), "checkout"): 1}


# Subscribers -----------------------------------------------------------------------------------------------


def test_a_first_plan_is_new_and_its_end_after_grace_is_churn(business: Business, sql: Sql) -> None:
    anna = business.start()
    order = business.money.order(anna, "premium_month", "RUB", p_renews=True)
    business.pay(order)
    sql(
        "insert into renewals (user_id, product_key, provider, provider_subscription_id, currency, amount,"
        " plan, period, bot)"
        " values (%s, 'premium_month', 'yookassa', 's', 'RUB', 499, 'PREMIUM', 'month', 'spin')"
        " on conflict do nothing",
        anna,
    )
    business.at(33)
    business.expire()
    assert business.mrr() == {"RUB": (MONTH, 1)}, "grace is not churn"
    business.at(40)
    business.expire()
    assert business.events() == [("new", "RUB", MONTH), ("churned", "RUB", -MONTH)]
    business.buy(anna)
    assert business.events()[2:] == [("reactivated", "RUB", MONTH)]


def test_a_renewal_at_the_same_price_changes_nothing(business: Business) -> None:
    anna = business.start()
    business.buy(anna)
    business.at(29)
    business.buy(anna)
    business.at(45)
    business.expire()
    assert business.events() == [("new", "RUB", MONTH)]


def test_a_year_is_a_contraction_of_months(business: Business) -> None:
    anna = business.start()
    business.buy(anna)
    business.buy(anna, "premium_year")
    business.buy(anna)
    assert business.events() == [
        ("new", "RUB", MONTH),
        ("contraction", "RUB", YEAR - MONTH),
        ("expansion", "RUB", MONTH - YEAR),
    ]


def test_another_currency_moves_the_subscriber(business: Business) -> None:
    anna = business.start()
    business.buy(anna)
    business.buy(anna, currency="USD")
    assert business.events()[1:] == [("contraction", "RUB", -MONTH), ("expansion", "USD", Decimal("5.99"))]
    assert business.mrr() == {"USD": (Decimal("5.99"), 1)}


def test_trials_gifts_and_credits_are_no_subscription(business: Business, sql: Sql) -> None:
    anna = business.start()
    sql("select start_trial(%s)", anna)
    sql("select grant_subscription(u.telegram_id, 'year', 'test:2') from users as u where u.id = %s", anna)
    business.buy(anna, "credits_100")
    assert business.events() == []


def test_a_refund_is_churn_and_a_won_dispute_brings_the_subscriber_back(business: Business) -> None:
    anna, ben = business.start(), business.start()
    business.refund(business.buy(anna))
    assert business.events() == [("new", "RUB", MONTH), ("churned", "RUB", -MONTH)]
    payment = business.buy(ben)
    dispute = {"payment_id": payment, "operation_id": "d", "amount": "499.00"}
    business.money.record({"kind": "disputed", **dispute})
    assert business.mrr() == {}
    business.money.record({"kind": "dispute_won", **dispute})
    assert business.events()[2:] == [
        ("new", "RUB", MONTH),
        ("churned", "RUB", -MONTH),
        ("reactivated", "RUB", MONTH),
    ]


def test_an_erased_subscriber_is_lost_without_a_name(business: Business, sql: Sql) -> None:
    anna = business.start()
    business.buy(anna, currency="XTR")
    sql("delete from users where id = %s", anna)
    assert business.events() == [("new", "XTR", STARS), ("churned", "XTR", -STARS)]
    assert sql("select count(*) as n from subscription_events where user_id is not null")[0]["n"] == 0
    assert business.mrr() == {}


# The nightly job -------------------------------------------------------------------------------------------


def test_the_job_fills_days_that_are_missing(business: Business, sql: Sql) -> None:
    first = business.at(0)
    anna = business.start()
    payment = business.buy(anna)
    business.at(5)
    business.refund(payment)
    business.at(9)
    assert business.night() == []
    days = sql("select day, active_month from analytics_days order by day")
    assert [(row["day"] - first).days for row in days] == list(range(9))
    assert [row["active_month"] for row in days] == [None] * 8 + [1], "only of yesterday it is known"
    rows = sql("select day, gross, refunds, product_key, source from daily_revenue order by day")
    assert [((row["day"] - first).days, row["gross"], row["refunds"]) for row in rows] == [
        (0, 499, 0),
        (5, 0, 499),
    ]
    assert {(row["product_key"], row["source"]) for row in rows} == {("premium_month", "direct")}
    assert business.night() == []


def test_a_late_report_changes_the_day_that_it_is_about(business: Business, sql: Sql) -> None:
    business.at(0)
    anna = business.start()
    payment = business.buy(anna)
    moment = sql("select private.clock()::text as at")[0]["at"]
    business.at(3)
    business.night()
    business.money.record(
        {
            "kind": "refunded",
            "payment_id": payment,
            "operation_id": "l",
            "amount": "100",
            "happened_at": moment,
        }
    )
    read = (
        "select sum(gross - refunds) as net from private.revenue_rows(date '2041-03-01', date '2041-03-05')"
    )
    assert sql(read)[0]["net"] == 399, "a changed day comes from the ledger"
    assert sql("select sum(gross - refunds) as net from daily_revenue")[0]["net"] == 499
    assert business.night() == []
    assert sql("select sum(gross - refunds) as net from daily_revenue")[0]["net"] == 399
    assert sql("select count(*) as n from private.revenue_changes")[0]["n"] == 0


def test_two_runs_at_once_record_each_day_once(business: Business, sql: Sql) -> None:
    business.start()
    business.at(4)
    in_parallel(4, lambda _: business.night())
    business.night()
    assert sql("select count(*) as n from analytics_days")[0]["n"] == 4


@pytest.mark.parametrize(
    ("change", "figure"),
    [
        ("update daily_totals set new_users = new_users + 1 where new_users > 0", "new_users"),
        ("delete from daily_funnel where step = 'checkout'", "funnel_checkout spin"),
        ("update daily_funnel set users = users + 1 where step = 'paid'", "funnel_paid spin"),
        ("update daily_active_users set active = 50 where day > '2041-01-01'", "active"),
        ("update subscription_events set amount = amount + 1", "mrr RUB"),
        ("update daily_totals set calls = calls + 1 where new_users > 0", "ai_calls"),
        ("update daily_totals set cost = cost + 0.01 where new_users > 0", "ai_cost"),
    ],
)
def test_a_drift_alerts_the_admins_once(
    business: Business, sql: Sql, boss: int, change: str, figure: str
) -> None:
    business.at(0)
    business.buy(business.start())
    sql(change)
    business.at(1)
    assert business.night() == [figure]
    assert business.night() == []
    messages = sql(
        "select parameters from telegram_outbox where parameters ->> 'key' = 'admin_alert_analytics'"
    )
    assert len(messages) == 1
    assert figure in messages[0]["parameters"]["values"]["figures"]
    assert messages[0]["parameters"]["chat_id"] == boss


def test_a_drift_of_revenue_is_found_the_night_after(business: Business, sql: Sql, boss: int) -> None:
    business.at(0)
    business.buy(business.start())
    business.at(1)
    assert business.night() == []
    sql("update daily_revenue set gross = gross + 1")
    business.at(2)
    assert business.night() == ["revenue RUB"]


def test_erased_users_are_no_drift(business: Business, sql: Sql) -> None:
    business.at(0)
    anna = business.start()
    business.order(anna)
    sql("insert into private.erasures (user_id) values (%s)", anna)
    sql("delete from users where id = %s", anna)
    business.at(1)
    assert business.night() == []
