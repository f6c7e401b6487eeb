"""Telegram's update about Stars gets lost: the job finds the payment in the bot's list of transactions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.stories.test_buy import checkout, credits, link_of, news, speaks, tap
from tests.support import eventually, in_parallel
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

Sql = Callable[..., list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def sold_here(sql: Sql) -> None:
    """Let the first read begin before the payments of the test."""
    sql("insert into star_positions (bot) values ('assistant')")


@contextmanager
def lost(stack: Stack) -> Iterator[None]:
    """Drop all updates that Telegram sends to the assistant in this block."""
    stack.telegram.hold(True)
    try:
        yield
        eventually(lambda: stack.telegram.pending("assistant"), 30)
        stack.telegram.drop_pending("assistant")
    finally:
        stack.telegram.hold(False)


def pay_unheard(stack: Stack, anna: Chat, link: str) -> str:
    """Pay an invoice whose successful_payment update is lost; return the charge id."""
    stack.database.on("check_order", when="before", do=lambda: stack.telegram.hold(True))
    purchase = anna.pay(link)
    eventually(lambda: purchase.charge_id, 30)
    eventually(lambda: stack.telegram.pending("assistant"), 30)
    stack.telegram.drop_pending("assistant")
    stack.telegram.hold(False)
    return str(purchase.charge_id)


def read_until(stack: Stack, check: Callable[[], Any]) -> None:
    def is_so() -> Any:
        answer = stack.run_job("payments")
        assert answer.status == 200, answer.body
        return check()

    eventually(is_so, 90)


def recorded_events(sql: Sql, chat: Chat) -> list[tuple[str, int]]:
    """Return the kind and number of attempts of each recorded event of the user."""
    rows = sql(
        "select split_part(e.event_key, ':', 1) as kind, e.attempts from payment_events e "
        "join users u on u.id = e.user_id where u.telegram_id = %s order by e.id",
        chat.id,
    )
    return [(row["kind"], row["attempts"]) for row in rows]


@pytest.mark.parametrize(
    ("language", "product", "thanks"),
    [("en", "100 requests", "Paid, thank you!"), ("ru", "100 запросов", "Оплачено, спасибо!")],
)
def test_a_payment_without_an_update_is_found_and_fulfilled_once(
    stack: Stack, sql: Sql, language: str, product: str, thanks: str
) -> None:
    anna = speaks(stack, language)
    anna.send("/buy")
    page = tap(tap(anna.answer(), product), "Telegram")
    pay_unheard(stack, anna, link_of(page))
    assert credits(sql, anna) == 0
    in_parallel(3, lambda _n: stack.run_job("payments"))
    read_until(stack, lambda: credits(sql, anna) == 100)
    news(anna, thanks)
    read_until(stack, lambda: True)
    assert credits(sql, anna) == 100
    assert [kind for kind, _ in recorded_events(sql, anna)] == ["payment"]
    assert sql("select * from check_payments()") == []


def test_a_refund_without_a_callback_is_found(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    paid = anna.pay(checkout(anna, "100 requests", "Telegram Stars")).wait()
    news(anna, "Paid, thank you!")
    with lost(stack):
        stack.telegram.stars.refund("assistant", anna.id, paid.charge_id)
    read_until(stack, lambda: credits(sql, anna) == 0)
    news(anna, "we’ve refunded")
    assert [kind for kind, _ in recorded_events(sql, anna)] == ["payment", "refund"]


def test_a_renewal_without_an_update_is_found(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    anna.send("/buy")
    page = tap(tap(anna.answer(), "Premium for a month"), "🔁 Telegram Stars")
    anna.pay(link_of(page)).wait()
    news(anna, "Paid, thank you!")
    (running,) = anna.subscriptions
    with lost(stack):
        stack.telegram.stars.renew(running)
    read_until(stack, lambda: len(recorded_events(sql, anna)) == 2)
    news(anna, "has been renewed until")


def test_a_recorded_payment_is_not_recorded_again(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    anna.pay(checkout(anna, "100 requests", "Telegram Stars")).wait()
    news(anna, "Paid, thank you!")
    read_until(stack, lambda: True)
    assert recorded_events(sql, anna) == [("payment", 1)]
    assert credits(sql, anna) == 100


def test_a_late_update_changes_nothing(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    link = checkout(anna, "100 requests", "Telegram Stars")
    stack.database.on("check_order", when="before", do=lambda: stack.telegram.hold(True))
    purchase = anna.pay(link)
    eventually(lambda: purchase.charge_id, 30)
    read_until(stack, lambda: credits(sql, anna) == 100)
    stack.telegram.hold(False)
    assert stack.telegram.idle(30)
    eventually(lambda: recorded_events(sql, anna) == [("payment", 2)], 30)
    assert credits(sql, anna) == 100


def test_reading_continues_at_its_position_and_skips_older_payments(stack: Stack, sql: Sql) -> None:
    read_until(stack, lambda: sql("select from star_positions where bot = 'assistant'"))
    anna = speaks(stack)
    charge = pay_unheard(stack, anna, checkout(anna, "100 requests", "Telegram Stars"))
    sql("update star_positions set since = private.clock() + interval '1 day'")
    before = position(sql)
    read_until(stack, lambda: position(sql) > before)
    assert recorded_events(sql, anna) == []
    sql("update star_positions set since = private.clock() - interval '7 days'")
    read_until(stack, lambda: True)
    assert recorded_events(sql, anna) == [], "the list is read past it"
    assert charge
    asked = [call for call in stack.telegram.calls if call["method"] == "getStarTransactions"]
    offsets = [int(call["parameters"]["offset"]) for call in asked if call["bot"] == "assistant"]
    assert offsets[-1] == position(sql)


def position(sql: Sql) -> int:
    return int(sql("select position from star_positions where bot = 'assistant'")[0]["position"])


@pytest.mark.parametrize("function", ["unrecorded_events", "record_payment_event", "advance_star_position"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_the_run_after_a_killed_one_finds_the_payment(
    stack: Stack, sql: Sql, function: str, when: Any
) -> None:
    anna = speaks(stack)
    pay_unheard(stack, anna, checkout(anna, "100 requests", "Telegram Stars"))
    scheduled = stack.function("scheduled")
    stack.database.on(function, when=when, do=scheduled.kill)
    stack.run_job("payments")
    eventually(lambda: not scheduled.pid, 30)
    stack.database.clear()
    scheduled.restart()
    read_until(stack, lambda: credits(sql, anna) == 100)
    assert [kind for kind, _ in recorded_events(sql, anna)] == ["payment"]
