"""Reminders of unpaid orders: at most one, if the owner enables them, and none that is no longer needed."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.supabase.payments.conftest import Money, paid, unique_id
from tests.supabase.payments.promocodes import new_code, redeem
from tests.support import in_parallel


@pytest.fixture
def remind(money: Money) -> Callable[[], list[int]]:
    """Enable reminders two hours after an order; `remind()` returns the chats that get one now."""
    money.sql("update private.settings set value = '2' where key = 'order_reminder_hours'")

    def run() -> list[int]:
        reminders = money.call("enqueue_order_reminders")
        assert {one["parameters"]["key"] for one in reminders} <= {"order_reminder"}
        return [one["parameters"]["chat_id"] for one in reminders]

    return run


def old_order(money: Money, user: int, hours: float = 2.1, product: str = "credits_100", **rest: Any) -> int:
    order = money.order(user, product, **rest)
    age(money, order, hours)
    return order


def age(money: Money, order: int, hours: float = 2.1) -> None:
    money.sql(
        "update orders set created_at = private.clock() - make_interval(secs => %s * 3600) where id = %s",
        hours, order,
    )  # fmt: skip


def chat(money: Money, user: int) -> int:
    return int(money.user_row(user)["telegram_id"])


def test_one_reminder_with_the_price_and_the_checkout_button(
    money: Money, remind: Callable[[], list[int]]
) -> None:
    anna = money.user()
    order = old_order(money, anna)
    money.call("save_checkout", p_order_id=order, p_url="https://pay.example/1", p_reference="1")
    (reminder,) = money.call("enqueue_order_reminders")
    parameters = reminder["parameters"]
    assert (reminder["bot"], parameters["chat_id"]) == ("assistant", chat(money, anna))
    assert parameters["values"]["title"]["en"] == "100 requests"
    assert parameters["values"]["price"] == {"amount": 149.0, "currency": "RUB"}
    assert parameters["buttons"] == [
        [{"key": "buy_pay_button", "url": "https://pay.example/1"}],
        [{"key": "buy_other", "data": f"other:{order}"}],
    ]
    assert remind() == []


def test_a_reminder_without_checkout_link_only_offers_another_way_to_pay(
    money: Money, remind: Callable[[], list[int]]
) -> None:
    order = old_order(money, money.user())
    (reminder,) = money.call("enqueue_order_reminders")
    assert reminder["parameters"]["buttons"] == [[{"key": "buy_other", "data": f"other:{order}"}]]
    assert reminder["parameters"]["order_id"] == order, "its message is edited with the order"


@pytest.mark.parametrize("hours", ["0", "-1"])
def test_no_reminder_without_the_setting(money: Money, remind: Callable[[], list[int]], hours: str) -> None:
    money.sql("update private.settings set value = %s::jsonb where key = 'order_reminder_hours'", hours)
    old_order(money, money.user())
    assert remind() == []


def test_order_reminders_are_off_by_default(money: Money) -> None:
    (row,) = money.sql("select value from private.settings where key = 'order_reminder_hours'")
    assert row["value"] == 0


@pytest.mark.parametrize(("hours", "due"), [(1.9, False), (2.01, True), (23, True)])
def test_the_reminder_is_sent_after_the_configured_hours(
    money: Money, remind: Callable[[], list[int]], hours: float, due: bool
) -> None:
    anna = money.user()
    old_order(money, anna, hours)
    assert remind() == ([chat(money, anna)] if due else [])


def test_the_delay_may_be_a_fraction_of_an_hour(money: Money, remind: Callable[[], list[int]]) -> None:
    money.sql("update private.settings set value = '0.5' where key = 'order_reminder_hours'")
    anna = money.user()
    old_order(money, anna, 0.6)
    assert remind() == [chat(money, anna)]


UNWANTED: dict[str, Callable[[Money, int, int], Any]] = {
    "paid": lambda money, user, order: money.record(paid(unique_id(), order)),
    "held": lambda money, user, order: money.record(paid(unique_id(), order, "1.00")),
    "on its way": lambda money, user, order: money.record({"kind": "pending", "order_id": order}),
    "on its way, with a number": lambda money, user, order: money.record(
        {"kind": "pending", "order_id": order, "payment_id": unique_id()}
    ),
    "canceled": lambda money, user, order: money.record({"kind": "canceled", "order_id": order}),
    "expired": lambda money, user, order: money.sql(
        "update orders set expires_at = private.clock() where id = %s", order
    ),
    "banned": lambda money, user, order: money.sql("update users set banned_at = now() where id = %s", user),
    "blocked": lambda money, user, order: money.sql("update users set is_active = false where id = %s", user),
    "erased": lambda money, user, order: money.sql("delete from users where id = %s", user),
    "ordered anew": lambda money, user, order: money.order(user, provider="stripe", currency="USD"),
    "bought in another way": lambda money, user, order: money.record(
        paid(unique_id(), money.order(user, provider="stripe", currency="USD"), "1.99", "USD"),
        provider="stripe",
    ),
    "our own renewal": lambda money, user, order: money.sql(
        "update orders set renewal_id = (select max(id) from renewals) where id = %s", order
    ),
}


@pytest.mark.parametrize("why", UNWANTED)
def test_no_reminder_when_the_order_is_no_longer_needed(
    money: Money, remind: Callable[[], list[int]], why: str
) -> None:
    other = money.order(money.user(), "premium_month", "USD", provider="stripe", p_renews=True)
    money.record(paid(unique_id(), other, "5.99", "USD", subscription_id=f"sub_r{other}"), provider="stripe")
    anna = money.user()
    order = old_order(money, anna)
    UNWANTED[why](money, anna, order)
    assert remind() == []


def test_no_reminder_of_a_month_after_buying_a_year_of_the_plan(
    money: Money, remind: Callable[[], list[int]]
) -> None:
    anna = money.user()
    old_order(money, anna, product="premium_month")
    money.record(paid(unique_id(), money.order(anna, "premium_year"), "4990.00"))
    assert remind() == []


def test_an_unrelated_purchase_does_not_prevent_the_reminder(
    money: Money, remind: Callable[[], list[int]]
) -> None:
    anna = money.user()
    old_order(money, anna, product="premium_month")
    money.record(paid(unique_id(), money.order(anna)))
    assert remind() == [chat(money, anna)]


def test_two_orders_of_one_product_get_one_reminder(money: Money, remind: Callable[[], list[int]]) -> None:
    anna = money.user()
    for _ in range(3):
        old_order(money, anna)
    assert remind() == [chat(money, anna)]
    assert remind() == []


def test_an_order_with_a_failed_attempt_gets_a_reminder(
    money: Money, remind: Callable[[], list[int]]
) -> None:
    anna = money.user()
    order = old_order(money, anna)
    money.record({"kind": "failed", "order_id": order})
    assert remind() == [chat(money, anna)]


def test_no_reminder_of_an_order_whose_discount_another_order_uses(
    money: Money, remind: Callable[[], list[int]]
) -> None:
    anna, code = money.user(), new_code(money.sql, "percent", 50)
    redeem(money, anna, code)
    old_order(money, anna)
    money.sql("update promocode_usages set consumed_at = now() where user_id = %s", anna)
    assert remind() == []


def test_concurrent_jobs_send_one_reminder(money: Money, remind: Callable[[], list[int]]) -> None:
    users = [money.user() for _ in range(5)]
    for user in users:
        old_order(money, user)
    sent = list(itertools.chain.from_iterable(in_parallel(6, lambda _n: remind())))
    assert sorted(sent + remind()) == sorted(chat(money, user) for user in users)


def test_no_reminder_while_a_payment_is_being_recorded(
    money: Money,
    remind: Callable[[], list[int]],
    connect: Callable[[], psycopg.Connection],
    database_url: str,
) -> None:
    anna = money.user()
    order = old_order(money, anna)
    with psycopg.connect(database_url) as holder:
        holder.execute("select from orders where id = %s for update", (order,))
        assert remind() == []
    assert remind() == [chat(money, anna)]


def test_a_sequence_reminds_instead_and_the_end_of_the_order_ends_it(
    money: Money, remind: Callable[[], list[int]]
) -> None:
    anna = money.user()
    money.sql(
        "insert into bot_sessions (user_id, bot, chat_id) select id, 'assistant', telegram_id from users"
        " where id = %s on conflict do nothing",
        anna,
    )
    (rule,) = money.sql(
        "insert into sequences (name, event, kind, is_active)"
        " values ('Unpaid', 'order_unpaid', 'service', true) returning id"
    )
    money.sql(
        "insert into broadcasts (name, kind, status, content, sequence_id, position, delay_minutes)"
        " values ('1', 'service', 'running', '{\"texts\": {\"en\": \"Pay\"}}', %s, 1, 0)",
        rule["id"],
    )
    order = old_order(money, anna)
    assert in_parallel(3, lambda n: remind()) == [[], [], []]
    assert money.sql("select user_id, status from sequence_runs") == [{"user_id": anna, "status": "active"}]
    money.sql("update orders set expires_at = private.clock() where id = %s", order)
    money.call("advance_sequences")
    assert money.sql("select status, reason from sequence_runs") == [{"status": "left", "reason": "resolved"}]
