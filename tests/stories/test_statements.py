"""Reconciliation: what a provider's own lists say, day by day, beside what is recorded here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.payments import providers
from tests.stories.test_buy import LABELS, checkout, credits, news, speaks
from tests.support import eventually
from tools.emulator.payments.stand_in import Bill
from tools.emulator.stack import Stack

Sql = Callable[..., list[dict[str, Any]]]
Clock = Callable[[str], None]
LISTED = sorted(key for key in LABELS if providers.load(key).HAS_STATEMENT)
REFUNDING = [key for key in LISTED if key != "crypto_pay"]
TOMORROW = "clock_timestamp() + interval '28 hours'"  # the day of the test is over, its lists are due


@pytest.fixture(autouse=True)
def unread(sql: Sql) -> None:
    """Other tests have days and differences of their own."""
    sql("delete from statement_days")
    sql("delete from statement_entries")


def lose(stack: Stack, provider: str, link: str, action: str) -> Bill:
    """Press a button of which nobody is told."""
    stack.payments[provider].callbacks.lose_next(5)
    bill = stack.payments.press(link, action)
    assert stack.payments.idle(20)
    stack.payments.clear()
    return bill


def read_lists(stack: Stack, sql: Sql) -> None:
    """Run the job until every day of every provider has been read."""

    def is_read() -> bool:
        answer = stack.run_job("statements")
        assert answer.status == 200, answer.body
        return not sql("select from statement_days where read_at is null") and bool(
            sql("select from statement_days")
        )

    eventually(is_read, 120)


def of(sql: Sql, provider: str, *numbers: str) -> list[tuple[str, Any, Any]]:
    """The lines of payments, by the provider's numbers of them: kind, theirs, ours."""
    rows = sql(
        "select l.kind, l.theirs, l.ours from payments p "
        "join private.statement_lines((current_date - 40), (current_date + 40)) l on l.payment_id = p.id "
        "where p.provider = %s and p.provider_payment_id = any(%s) order by l.kind, l.theirs",
        provider,
        list(numbers),
    )
    return [(row["kind"], row["theirs"], row["ours"]) for row in rows]


def payments_of(sql: Sql, chat: Any) -> list[str]:
    rows = sql(
        "select p.provider_payment_id as number from payments p join users u on u.id = p.user_id "
        "where u.telegram_id = %s order by p.id",
        chat.id,
    )
    return [row["number"] for row in rows]


@pytest.mark.parametrize("provider", LISTED)
def test_a_lost_payment_is_recorded_once(stack: Stack, sql: Sql, clock: Clock, provider: str) -> None:
    anna = speaks(stack)
    link = checkout(anna, "100 requests", LABELS[provider])
    bill = lose(stack, provider, link, "pay")
    assert credits(sql, anna) == 0
    clock(TOMORROW)
    read_lists(stack, sql)
    news(anna, "Paid, thank you!")
    assert credits(sql, anna) == 100
    assert of(sql, provider, *payments_of(sql, anna)) == [("paid", bill.amount, bill.amount)]
    stack.payments.press(link, "deliver_twice")  # the callbacks that come after all
    assert stack.payments.idle(20)
    sql("update statement_days set next_read_at = private.clock() where read_at is not null")
    stack.run_job("statements")
    assert credits(sql, anna) == 100
    assert len(payments_of(sql, anna)) == 1
    assert sql("select * from check_payments()") == []


@pytest.mark.parametrize("provider", REFUNDING)
def test_so_is_a_lost_refund(stack: Stack, sql: Sql, clock: Clock, provider: str) -> None:
    anna = speaks(stack)
    link = checkout(anna, "100 requests", LABELS[provider])
    bill = stack.payments.press(link, "pay")
    news(anna, "Paid, thank you!")
    lose(stack, provider, link, "refund")
    assert credits(sql, anna) == 100
    clock(TOMORROW)
    read_lists(stack, sql)
    news(anna, "went back to you")
    assert credits(sql, anna) == 0
    lines = of(sql, provider, *payments_of(sql, anna))
    assert lines == [("paid", bill.amount, bill.amount), ("refund", -bill.amount, -bill.amount)]
    assert sql("select * from check_payments()") == []
