"""Payments that are recorded during an erasure: no deadlock occurs, and the sums stay exact."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.supabase.payments.buyers import email_of, order_of, record_event, traces
from tests.supabase.payments.conftest import Money, message_keys, paid, refunded, unique_id
from tests.supabase.privacy.conftest import SqlUser, id_of, next_update
from tests.support import eventually, in_parallel

pytestmark = pytest.mark.slow

Sql = Callable[..., list[dict[str, Any]]]
New = Callable[[], SqlUser]
Connect = Callable[[], psycopg.Connection]


@pytest.fixture
def transaction(backend_url: str) -> Iterator[psycopg.Connection]:
    """Return a connection with an open transaction."""
    with psycopg.connect(backend_url, prepare_threshold=None) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def in_background() -> Iterator[Callable[..., Future[Any]]]:
    """Return a function that runs another one in a thread."""
    with ThreadPoolExecutor(4) as pool:
        yield pool.submit


def waits_for_lock(sql: Sql, future: Future[Any]) -> bool:
    """Return whether a backend waits for a lock; fail if the future is done."""
    assert not future.done(), future.result()
    return bool(
        sql("select from pg_stat_activity where wait_event_type = 'Lock' and usename = 'bot_backend'")
    )


def record_on(connection: psycopg.Connection, user: SqlUser, *events: dict[str, Any], key: str = "") -> Any:
    """Record an event over a connection whose transaction stays open."""
    row = connection.execute(
        "select record_payment_event('yookassa', %s, 'payment', %s, %s)",
        (key or f"open-{unique_id()}", f"{user.id} {email_of(user)}", Jsonb(list(events))),
    ).fetchone()
    assert row
    return row[0]


def test_erasure_waits_for_a_payment_that_is_being_recorded(
    money: Money, sql: Sql, buyer: New, transaction: psycopg.Connection, in_background: Any
) -> None:
    anna, pay = buyer(), unique_id()
    order = order_of(money, anna)
    assert record_on(transaction, anna, paid(pay, order, telegram_id=anna.id))["outcome"] == "applied"
    erased = in_background(anna.erase)
    eventually(lambda: waits_for_lock(sql, erased), 20)
    transaction.commit()
    assert erased.result()["outcome"] == "finished"
    assert (money.payment(pay)["status"], money.payment(pay)["problem"]) == ("completed", None)
    assert traces(sql, anna) == []


def test_erasure_is_refused_if_a_renewal_begins_first(
    money: Money, sql: Sql, buyer: New, transaction: psycopg.Connection, in_background: Any
) -> None:
    anna = buyer()
    order = order_of(money, anna, "premium_month", p_renews=True)
    record_on(transaction, anna, paid(unique_id(), order, "499.00", saved_method="card"))
    erased = in_background(anna.erase)
    eventually(lambda: waits_for_lock(sql, erased), 20)
    transaction.commit()
    with pytest.raises(psycopg.Error) as caught:
        erased.result()
    assert caught.value.sqlstate == "Y0002"
    assert money.ends_at(id_of(sql, anna) or 0)
    sql("update renewals set status = 'canceled' where user_id = %s", id_of(sql, anna))
    anna.erase()
    assert traces(sql, anna) == []


@pytest.mark.parametrize("is_known", [False, True])
def test_payment_during_the_erasure_waits_and_finds_no_user(
    money: Money,
    sql: Sql,
    buyer: New,
    boss: int,
    transaction: psycopg.Connection,
    in_background: Any,
    is_known: bool,
) -> None:
    anna, pay, key = buyer(), unique_id(), f"k-{unique_id()}"
    order = order_of(money, anna)
    if is_known:  # the event is stored and failed before
        result = record_event(money, anna, {"kind": "paid", "payment_id": pay, "order_id": order}, key=key)
        assert result["outcome"] == "failed"
    update_id = next_update()
    anna.receive(update_id, p_kind="callback_query")
    anna.erase(on=transaction, update_id=update_id)
    late = in_background(record_event, money, anna, paid(pay, order, telegram_id=anna.id), key=key)
    retried = in_background(money.call, "retry_payment_events") if is_known else None
    eventually(lambda: waits_for_lock(sql, late), 20)
    transaction.commit()
    result = late.result()
    assert result["outcome"] == "applied"
    assert message_keys(result["outgoing"]) == ["payment_alarm_owner"]
    if retried:
        retried.result()
    assert money.payment(pay)["problem"] == "owner"
    assert traces(sql, anna) == []


@pytest.mark.parametrize("what", ["paid", "refund", "failed once", "retried", "disputed and waiting"])
def test_no_waiter_for_the_user_holds_a_row_that_the_erasure_needs(
    money: Money, sql: Sql, buyer: New, boss: int, database_url: str, in_background: Any, what: str
) -> None:
    """A transaction that waits for the user's lock must hold no other row of the user, or it deadlocks."""
    anna, given, pay, key = buyer(), unique_id(), unique_id(), f"k-{unique_id()}"
    record_event(money, anna, paid(given, order_of(money, anna)))
    order = order_of(money, anna)
    invalid = {"kind": "paid", "payment_id": pay, "order_id": order}
    if what in ("failed once", "retried"):
        assert record_event(money, anna, invalid, key=key)["outcome"] == "failed"
    if what == "disputed and waiting":
        record_event(money, anna, paid(pay, None), key=key)
    update_id = next_update()
    anna.receive(update_id, p_kind="callback_query")
    work = {
        "paid": lambda: record_event(money, anna, paid(pay, order)),
        "refund": lambda: record_event(money, anna, refunded(given, "149.00")),
        "failed once": lambda: record_event(money, anna, paid(pay, order), key=key),
        "retried": lambda: money.call("retry_payment_events"),
        "disputed and waiting": lambda: record_event(
            money, anna, {"kind": "disputed", "payment_id": pay, "order_id": order, "amount": "149.00"}
        ),
    }[what]
    with psycopg.connect(database_url, prepare_threshold=None) as erasing:
        erasing.execute("select from users where telegram_id = %s for update", [anna.id])
        other = in_background(work)
        eventually(lambda: waits_for_lock(sql, other), 20)
        anna.erase(on=erasing, update_id=update_id)
        erasing.commit()
    result = other.result()
    assert result.get("outcome", "applied") == "applied", result
    assert money.payment(given)["problem"] is None
    if what != "refund":
        assert not sql("select from payment_effects e join payments p on p.id = e.payment_id "
                       "where provider_payment_id = %s", pay)  # fmt: skip
    assert traces(sql, anna) == []


def test_order_during_the_erasure_is_refused(
    money: Money, sql: Sql, buyer: New, transaction: psycopg.Connection, in_background: Any
) -> None:
    anna = buyer()
    update_id = next_update()
    anna.receive(update_id, p_kind="callback_query")
    anna.erase(on=transaction, update_id=update_id)
    ordered = in_background(order_of, money, anna)
    eventually(lambda: waits_for_lock(sql, ordered), 20)
    transaction.commit()
    with pytest.raises(psycopg.Error) as caught:
        ordered.result()
    assert caught.value.sqlstate == "M0003"


def test_unmatched_payment_of_a_user_who_is_being_erased_is_skipped(
    money: Money, sql: Sql, buyer: New, boss: int, transaction: psycopg.Connection
) -> None:
    anna, ben, early, subscription = buyer(), buyer(), unique_id(), f"sub_{unique_id()}"
    waiting = paid(early, None, "499.00", subscription_id=subscription)
    record_event(money, anna, waiting, key=f"early-{early}")
    sql(
        "insert into renewals "
        "(user_id, product_key, provider, provider_subscription_id, status, currency, amount, "
        "plan, period, bot, charged_until) "
        "values (%s, 'premium_month', 'yookassa', %s, 'canceled', 'RUB', 499, 'PREMIUM', 'month', "
        "'assistant', private.clock())",
        id_of(sql, anna),
        subscription,
    )
    update_id = next_update()
    anna.receive(update_id, p_kind="callback_query")
    anna.erase(on=transaction, update_id=update_id)
    result = record_event(money, ben, paid(unique_id(), order_of(money, ben)))
    assert message_keys(result["outgoing"]) == ["paid_credits"]
    assert money.payment(early)["problem"] == "no_order"
    transaction.commit()
    result = record_event(money, ben, paid(unique_id(), order_of(money, ben)))
    assert message_keys(result["outgoing"]) == ["paid_credits", "payment_alarm_owner"]
    assert money.payment(early)["problem"] == "owner"
    assert traces(sql, anna) == []


def test_reminders_skip_a_user_who_is_being_erased(
    money: Money, sql: Sql, buyer: New, transaction: psycopg.Connection
) -> None:
    anna = buyer()
    record_event(money, anna, paid(unique_id(), order_of(money, anna, "premium_month"), "499.00"))
    sql(
        "update subscriptions set ends_at = private.clock() + interval '2 days' where user_id = %s",
        id_of(sql, anna),
    )
    update_id = next_update()
    anna.receive(update_id, p_kind="callback_query")
    anna.erase(on=transaction, update_id=update_id)
    assert money.call("enqueue_expiry_reminders") == []
    transaction.commit()
    assert traces(sql, anna) == []


def test_concurrent_operations_keep_exact_sums_without_a_deadlock(money: Money, sql: Sql, buyer: New) -> None:
    users = [buyer() for _ in range(5)]
    for user, by in zip(users[1:], users, strict=False):
        sql(
            "insert into user_referrals (referrer_id, referred_id, status) values (%s, %s, 'completed')",
            id_of(sql, by),
            id_of(sql, user),
        )
    prices = {"credits_100": "149.00", "balance_500": "500.00", "premium_month": "499.00"}
    bought = [
        (user, product, order_of(money, user, product, p_contact=email_of(user)), unique_id())
        for user in users
        for product in prices
        for _ in range(4)
    ]

    def act(n: int) -> str:
        dice = random.Random(n)
        user, product, order, pay = dice.choice(bought)
        price = prices[product]
        try:
            kind = dice.choice(
                ["paid"] * 4 + ["refund", "refund", "erase", "retry", "remind", "write", "export"]
            )
            if kind == "paid":
                return str(
                    record_event(money, user, paid(pay, order, price), key=f"{pay}-{n % 3}")["outcome"]
                )
            if kind == "refund":
                part = f"{float(price) / 2:.2f}"
                return str(
                    record_event(money, user, refunded(pay, part, f"r{n % 2}", order_id=order))["outcome"]
                )
            if kind == "erase":
                user.erase(balance="1000000")
            elif kind == "retry":
                money.call("retry_payment_events")
            elif kind == "remind":
                money.call("enqueue_expiry_reminders")
            elif kind == "export":
                money.call("export_user_data", p_user_id=id_of(sql, user) or 0)
            else:
                # If the user is erased in between, finish_update anonymizes the update.
                update_id = next_update()
                user.receive(update_id)
                user.finish(update_id)
        except psycopg.Error as error:
            return error.sqlstate or "?"
        return "done"

    sql("update private.settings set value = '10' where key = 'referral_commission_percent'")
    outcomes = [one for batch in range(15) for one in in_parallel(10, lambda n, b=batch: act(b * 10 + n))]

    # 40001: the user is erased at this moment, so the update is received again.
    assert set(outcomes) <= {"applied", "known", "done", "40001"}, outcomes
    assert outcomes.count("applied") > 20
    assert money.inconsistencies() == []
    assert sql("select check_balances() as wrong") == [{"wrong": []}]
    for user in users:
        user.receive(next_update())
        user.erase(balance="1000000")
        assert traces(sql, user) == []
