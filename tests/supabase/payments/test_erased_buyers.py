"""After an erasure, payments keep exact sums for accounting and nothing that identifies the user."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.supabase.payments.buyers import email_of, order_of, order_row, record_event, traces
from tests.supabase.payments.conftest import Money, message_keys, paid, refunded, unique_id
from tests.supabase.payments.test_payment_property import event
from tests.supabase.privacy.conftest import SqlUser, dump_rows, id_of, next_update
from tests.supabase.privacy.conftest import call as call_on
from tests.support import examples

Sql = Callable[..., list[dict[str, Any]]]
New = Callable[[], SqlUser]
PRICES = {"credits_100": "149.00", "balance_500": "500.00", "premium_month": "499.00"}
SLOW = settings(
    max_examples=examples(25),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    database=None,
)


def test_remaining_rows_do_not_identify_the_user(money: Money, sql: Sql, buyer: New) -> None:
    anna, pay = buyer(), unique_id()
    bought = order_of(money, anna, p_contact=email_of(anna))
    money.call("save_checkout", p_order_id=bought, p_url="https://pay.example/1", p_reference="co-1")
    waiting = order_of(money, anna, "premium_month", p_contact=email_of(anna))
    result = paid(pay, bought, telegram_id=anna.id, saved_method="card-token-1")
    assert record_event(money, anna, result, key=f"e-{pay}")["outcome"] == "applied"
    assert sql("select user_id from payment_events where event_key = %s", f"e-{pay}") == [
        {"user_id": id_of(sql, anna)}
    ]

    anna.erase()

    assert traces(sql, anna) == []
    assert "card-token-1" not in dump_rows(sql)
    cleared = {"user_id": None, "contact": None, "checkout_url": None, "checkout_reference": None}
    assert order_row(money, bought).items() >= (cleared | {"status": "completed", "kind": "credits"}).items()
    assert order_row(money, waiting).items() >= (cleared | {"status": "canceled"}).items()
    payment = money.payment(pay)
    assert (payment["status"], payment["amount"], payment["user_id"]) == ("completed", 149, None)
    assert payment["claims"] == {"order_id": bought, "telegram_id": 0}
    (effect,) = sql("select * from payment_effects where payment_id = %s", payment["id"])
    assert (effect["user_id"], effect["given"]) == (None, 100)
    (event,) = sql("select * from payment_events where event_key = %s", f"e-{pay}")
    assert (event["provider"], event["type"], event["body"], event["events"]) == (
        "yookassa",
        "payment",
        "",
        [],
    )
    assert event["processed_at"]
    assert record_event(money, anna, result, key=f"e-{pay}") == {"outcome": "known"}
    assert traces(sql, anna) == []


@pytest.mark.parametrize("status", ["active", "past_due"])
def test_user_with_a_running_renewal_is_not_erased(money: Money, sql: Sql, buyer: New, status: str) -> None:
    anna = buyer()
    order = order_of(money, anna, "premium_month", p_renews=True)
    record_event(money, anna, paid(unique_id(), order, "499.00", saved_method="card-token-2"))
    sql("update renewals set status = %s where user_id = %s", status, id_of(sql, anna))

    with pytest.raises(psycopg.Error) as caught:
        anna.erase()

    assert caught.value.sqlstate == "Y0002"
    user_id = id_of(sql, anna)
    assert user_id
    assert order_row(money, order)["user_id"] == user_id
    (renewal,) = sql("select id, saved_method from renewals where user_id = %s", user_id)
    assert renewal["saved_method"] == "card-token-2"
    money.call("cancel_renewal", p_user_id=user_id, p_renewal_id=renewal["id"])
    anna.erase()
    (row,) = sql("select * from renewals where id = %s", renewal["id"])
    assert (row["user_id"], row["status"], row["saved_method"]) == (None, "ended", None)
    assert row["ended_at"]
    assert "card-token-2" not in dump_rows(sql)


@pytest.mark.parametrize("is_named", [True, False])
@pytest.mark.parametrize("has_returned", [True, False])
def test_payment_after_the_erasure_is_held_and_alerts_the_admins(
    money: Money, sql: Sql, buyer: New, boss: int, has_returned: bool, is_named: bool
) -> None:
    anna, pay = buyer(), unique_id()
    order = order_of(money, anna, p_contact=email_of(anna))
    anna.erase()
    if has_returned:
        anna.receive(next_update())
    telegram_id = anna.id if is_named else None
    assert money.call(
        "check_order", p_provider="yookassa", p_order_id=order, p_telegram_id=telegram_id, p_amount=149,
        p_currency="RUB",
    ) == "expired"  # fmt: skip

    late = paid(pay, order, telegram_id=telegram_id, saved_method="card-token-3")
    result = record_event(money, anna, late)

    is_known = has_returned and is_named
    assert message_keys(result["outgoing"]) == ["payment_alarm_owner"] + ["payment_held_owner"] * is_known
    assert result["outgoing"][0]["parameters"]["chat_id"] == boss
    assert (money.payment(pay)["problem"], money.payment(pay)["user_id"]) == ("owner", None)
    assert order_row(money, order)["status"] == "canceled"
    assert not sql("select from payment_effects where payment_id = %s", money.payment(pay)["id"])
    if has_returned:
        assert sql("select bonus_credits from users where telegram_id = %s", anna.id) == [
            {"bonus_credits": 0}
        ]
        anna.erase()
    assert record_event(money, anna, refunded(pay, "149.00"))["outgoing"] == []
    assert money.payment(pay)["status"] == "refunded"
    if not is_known:
        assert "card-token-3" not in dump_rows(sql)
    assert traces(sql, anna) == []


def test_charge_by_the_provider_after_the_erasure_alerts_the_admins(
    money: Money, sql: Sql, buyer: New, boss: int
) -> None:
    anna, subscription = buyer(), f"sub_{unique_id()}"
    order = order_of(money, anna, "premium_month", provider="stripe", p_renews=True)
    first = paid(unique_id(), order, "499.00", subscription_id=subscription)
    record_event(money, anna, first, provider="stripe")
    record_event(
        money, anna, {"kind": "subscription_canceled", "subscription_id": subscription}, provider="stripe"
    )
    anna.erase()

    again = {"kind": "subscription_active", "subscription_id": subscription}
    assert record_event(money, anna, again, provider="stripe") == {"outcome": "applied", "outgoing": []}
    charged = paid(unique_id(), None, "499.00", subscription_id=subscription)
    assert message_keys(record_event(money, anna, charged, provider="stripe")["outgoing"]) == [
        "payment_alarm_owner"
    ]
    rows = sql("select status from renewals where provider_subscription_id = %s", subscription)
    assert rows == [{"status": "ended"}]
    assert traces(sql, anna) == []


@pytest.mark.parametrize("product", PRICES)
def test_refunds_after_the_erasure_keep_the_sums_consistent(
    money: Money, sql: Sql, buyer: New, product: str
) -> None:
    anna, pay = buyer(), unique_id()
    price = float(PRICES[product])
    record_event(money, anna, paid(pay, order_of(money, anna, product), PRICES[product]))
    record_event(money, anna, refunded(pay, f"{price / 4:.2f}", "r1"))
    (before,) = sql(
        "select reversed, reversal_target from payment_effects where payment_id = %s",
        money.payment(pay)["id"],
    )
    assert before["reversed"] > 0
    anna.erase(balance="1000")

    failed = {"kind": "refund_failed", "payment_id": pay, "operation_id": "r1"}
    assert record_event(money, anna, failed)["outgoing"] == []
    (effect,) = sql(
        "select reversed, reversal_target from payment_effects where payment_id = %s",
        money.payment(pay)["id"],
    )
    assert effect == before, "nothing is restored to an erased user"
    record_event(money, anna, refunded(pay, PRICES[product], "r2"))
    payment = money.payment(pay)
    assert (payment["status"], float(payment["refunded"])) == ("refunded", price)
    assert money.inconsistencies() == []
    assert sql("select check_balances() as wrong") == [{"wrong": []}]
    assert traces(sql, anna) == []


def test_commission_of_an_erased_referrer_stays_consistent(money: Money, sql: Sql, buyer: New) -> None:
    anna, ben, pay = buyer(), buyer(), unique_id()
    sql(
        "insert into user_referrals (referrer_id, referred_id, status) values (%s, %s, 'completed')",
        id_of(sql, ben), id_of(sql, anna),
    )  # fmt: skip
    sql("update private.settings set value = '10' where key = 'referral_commission_percent'")
    record_event(money, anna, paid(pay, order_of(money, anna)))
    assert sql("select balance from users where telegram_id = %s", ben.id)[0]["balance"] > 0
    ben.erase(balance="1000")
    record_event(money, anna, refunded(pay, "149.00"))
    record_event(money, anna, paid(unique_id(), order_of(money, anna)))
    assert money.inconsistencies() == []
    assert sql("select check_balances() as wrong") == [{"wrong": []}]


def test_erased_second_referrer_neither_blocks_a_refund_nor_earns(money: Money, sql: Sql, buyer: New) -> None:
    anna, ben, carl, pay = buyer(), buyer(), buyer(), unique_id()
    for referrer, referred in ((ben, anna), (carl, ben)):
        sql(
            "insert into user_referrals (referrer_id, referred_id, status) values (%s, %s, 'completed')",
            id_of(sql, referrer), id_of(sql, referred),
        )  # fmt: skip
    sql("update private.settings set value = '10' where key = 'referral_second_percent'")
    record_event(money, anna, paid(pay, order_of(money, anna)))
    assert sql("select balance from users where telegram_id = %s", carl.id)[0]["balance"] > 0
    carl.erase(balance="1000")
    record_event(money, anna, refunded(pay, "149.00"))
    record_event(money, anna, paid(unique_id(), order_of(money, anna)))
    assert sql("select count(*) as shares from payment_effects where effect = 'second_commission'")[0] == {
        "shares": 1
    }
    assert money.inconsistencies() == []
    assert sql("select check_balances() as wrong") == [{"wrong": []}]


def test_unapplied_event_keeps_the_operation_and_loses_the_user(money: Money, sql: Sql, buyer: New) -> None:
    anna, pay, subscription = buyer(), unique_id(), f"sub_{unique_id()}"
    order = order_of(money, anna)
    record_event(money, anna, paid(pay, order))
    unknown_subscription = {
        "kind": "subscription_canceled",
        "subscription_id": subscription,
        "reason": f"by {email_of(anna)}",
    }
    failed = record_event(
        money, anna, refunded(pay, "74.50", telegram_id=anna.id), unknown_subscription, key=f"w-{pay}"
    )
    assert failed["outcome"] == "failed"

    anna.erase()

    (event,) = sql("select * from payment_events where event_key = %s", f"w-{pay}")
    assert (event["body"], event["user_id"], event["error"]) == ("", None, None)
    assert event["events"] == [
        refunded(pay, "74.50", telegram_id=0),
        {"kind": "subscription_canceled", "subscription_id": subscription},
    ]
    assert traces(sql, anna) == []
    sql(
        "insert into renewals "
        "(product_key, provider, provider_subscription_id, currency, amount, plan, period, bot) "
        "values ('premium_month', 'yookassa', %s, 'RUB', 499, 'PREMIUM', 'month', 'assistant')",
        subscription,
    )
    assert money.call("retry_payment_events")["applied"] == 1
    assert float(money.payment(pay)["refunded"]) == 74.5
    (event,) = sql("select * from payment_events where event_key = %s", f"w-{pay}")
    assert (event["events"], event["error"]) == ([], None)
    assert event["processed_at"]


def test_failed_event_of_an_erased_user_keeps_no_body(money: Money, sql: Sql, buyer: New) -> None:
    anna = buyer()
    order = order_of(money, anna)
    anna.erase()
    key = f"f-{unique_id()}"
    result = record_event(
        money, anna, {"kind": "paid", "payment_id": unique_id(), "order_id": order}, key=key
    )
    assert result["outcome"] == "failed"
    assert traces(sql, anna) == []


def test_events_that_arrived_before_their_order_are_anonymized(
    money: Money, sql: Sql, buyer: New, clock: Callable[[str], None]
) -> None:
    clock("timestamptz '2027-01-10 12:00:00+03'")
    anna, subscription, early = buyer(), f"sub_{unique_id()}", unique_id()
    order = order_of(money, anna, "premium_month", provider="stripe", p_renews=True)
    second = paid(early, None, "499.00", subscription_id=subscription)
    record_event(money, anna, second, key=f"early-{early}", provider="stripe")
    record_event(money, anna, refunded(early, "1.00"), key=f"early-r-{early}", provider="stripe")
    owners = "select user_id from payment_events where event_key like %s"
    assert sql(owners, f"early-%{early}") == [{"user_id": None}] * 2
    first = paid(unique_id(), order, "499.00", subscription_id=subscription)
    record_event(money, anna, first, provider="stripe")
    assert sql(owners, f"early-%{early}") == [{"user_id": id_of(sql, anna)}] * 2
    record_event(
        money, anna, {"kind": "subscription_ended", "subscription_id": subscription}, provider="stripe"
    )
    anna.erase()
    assert traces(sql, anna) == []


@pytest.mark.parametrize("written", ["{email}", "{encoded}", "{id}"])
def test_body_of_an_invalid_event_is_emptied_if_it_names_the_user(
    money: Money, sql: Sql, buyer: New, written: str
) -> None:
    anna, ben = buyer(), buyer()
    order_of(money, anna, p_contact=email_of(anna))
    values = {"id": anna.id, "email": email_of(anna), "encoded": email_of(anna).replace("@", "%40")}
    keys = [f"unusable:{unique_id()}" for _ in range(2)]
    for key, body in zip(keys, (f"<{written.format(**values)}>", f"<{ben.id} {email_of(ben)}>"), strict=True):
        money.call(
            "record_payment_event", p_provider="yookassa", p_event_key=key, p_type="unusable", p_body=body,
            p_events=[],
        )  # fmt: skip
    anna.erase()
    rows = sql("select body = '' as emptied from payment_events where event_key = any(%s) order by id", keys)
    assert rows == [{"emptied": True}, {"emptied": False}]
    assert traces(sql, anna) == []


def test_body_of_an_ignored_event_is_kept_only_for_our_orders(money: Money, sql: Sql, buyer: New) -> None:
    anna, key = buyer(), f"other-{unique_id()}"
    order = order_of(money, anna)
    record_event(money, anna, {"kind": "other"}, key=key)
    record_event(money, anna, {"kind": "other", "order_id": order}, key=f"{key}-own")
    rows = sql(
        "select event_key, body = '' as emptied from payment_events where event_key like %s order by id",
        f"{key}%",
    )
    assert rows == [{"event_key": key, "emptied": True}, {"event_key": f"{key}-own", "emptied": False}]


def test_payment_by_an_erased_user_does_not_go_to_the_orders_owner(
    money: Money, sql: Sql, buyer: New, boss: int
) -> None:
    anna, ben, pay = buyer(), buyer(), unique_id()
    order = order_of(money, anna)
    result = paid(pay, order, telegram_id=ben.id, saved_method="card-of-ben")
    record_event(money, ben, result, key=f"b-{pay}")
    assert money.payment(pay)["problem"] == "owner"
    export = money.call("export_user_data", p_user_id=id_of(sql, anna))["sections"]["payments"]
    assert (len(export["orders"]), export["payments"], export["events"]) == (1, [], [])
    export = money.call("export_user_data", p_user_id=id_of(sql, ben))["sections"]["payments"]
    assert [row["saved_method"] for row in export["payments"]] == ["card-of-ben"]
    assert [row["event_key"] for row in export["events"]] == [f"b-{pay}"]

    ben.erase()

    assert traces(sql, ben) == []
    assert "card-of-ben" not in dump_rows(sql)
    record_event(money, anna, {"kind": "failed", "payment_id": pay, "order_id": order})
    assert money.payment(pay)["problem"] == "owner"
    assert sql("select bonus_credits from users where telegram_id = %s", anna.id) == [{"bonus_credits": 0}]


def test_erased_user_cannot_order(money: Money, sql: Sql, buyer: New) -> None:
    anna = buyer()
    user_id, order = id_of(sql, anna), order_of(money, anna)
    anna.erase()
    with pytest.raises(psycopg.Error) as caught:
        money.call(
            "create_order", p_user_id=user_id, p_product_key="credits_100", p_provider="yookassa",
            p_currency="RUB", p_bot="assistant",
        )  # fmt: skip
    assert caught.value.sqlstate == "M0003"
    money.call("save_checkout", p_order_id=order, p_url=f"https://pay.example/{anna.id}", p_reference="co-2")
    assert order_row(money, order)["checkout_url"] is None


STEPS = st.lists(
    st.tuples(
        st.integers(0, 1),  # user
        st.integers(0, 2),  # payment
        st.sampled_from(["paid", "refunded", "refund_failed", "disputed", "dispute_won", "failed", "erase"]),
        st.integers(1, 2),  # refund or dispute
        st.sampled_from(["0.25", "0.5", "1"]),  # share of the amount
    ),
    min_size=2,
    max_size=14,
)


@SLOW
@given(STEPS)
def test_any_events_before_and_after_an_erasure_keep_the_sums_consistent(
    money: Money, sql: Sql, buyer: New, steps: list[Any]
) -> None:
    users = [buyer(), buyer()]
    orders = [[order_of(money, user, product) for product in PRICES] for user in users]
    charges = [[unique_id() for _ in PRICES] for _ in users]
    prices = [float(price) for price in PRICES.values()]
    erased = set()
    for who, which, kind, operation, share in steps:
        if kind == "erase":
            if who not in erased:
                users[who].erase(balance="10000")
            erased.add(who)
            continue
        applied = event(kind, charges[who][which], orders[who][which], operation, prices[which], share)
        assert record_event(money, users[who], applied)["outcome"] == "applied"
    assert money.inconsistencies() == []
    assert sql("select check_balances() as wrong") == [{"wrong": []}]
    for who in erased:
        assert not [line for line in dump_rows(sql).splitlines() if str(users[who].id) in line]


def test_backend_may_not_call_the_anonymizing_functions(connect: Callable[[], psycopg.Connection]) -> None:
    for statement in (
        "private.anonymize_payment_events('{1}')", "private.anonymize_payments('{1}')",
        "private.link_event_to_users(1)", "private.lock_payers('x', '[]')",
        "private.users_of_event('x', '[]')",
    ):  # fmt: skip
        with connect() as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"select {statement}".encode())
    with connect() as connection:
        assert call_on(connection, "export_user_data", p_user_id=-1) is None
