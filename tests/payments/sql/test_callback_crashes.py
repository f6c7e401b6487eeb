"""Killed between any two steps of a payment: told again it converges; nothing twice, nothing paid is lost."""

from __future__ import annotations

import json
import threading
from typing import Any

import psycopg
import pytest

from shared.payments.providers import load
from tests.payments.sql.crashes import (
    BACK,
    ONCE,
    WHEN,
    Clock,
    Sql,
    When,
    effects_of,
    kill_at,
    messages_with,
    restart,
)
from tests.stories.test_buy import LABELS, checkout, credits, link_of, speaks, tap
from tests.support import eventually
from tools.emulator.payments import Callback, NotPossible
from tools.emulator.stack import Stack

pytestmark = [pytest.mark.usefixtures("alive"), pytest.mark.slow]
REFUNDING = sorted(key for key in LABELS if load(key).SUPPORTS_REFUNDS)
RENEWING = ["stripe", "cloudpayments", "fake"]  # in dollars, too


# What a provider tells.


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("provider", LABELS)
def test_killed_around_the_record_what_is_paid_is_given_once(
    stack: Stack, sql: Sql, clock: Clock, provider: str, when: When
) -> None:
    anna = speaks(stack)
    link = checkout(anna, "100 requests", LABELS[provider])
    kill_at(stack, "record_payment_event", when)
    stack.payments.press(link, "pay")
    restart(stack)
    assert stack.payments.idle(90)
    assert effects_of(sql, anna) == ONCE
    assert credits(sql, anna) == 100
    assert 1 <= len(messages_with(stack, clock, anna, "Paid, thank you!")) <= 2  # messages: at least once


@pytest.mark.parametrize("when", WHEN)
def test_killed_while_the_buyer_is_told_they_are_told(
    stack: Stack, sql: Sql, clock: Clock, when: When
) -> None:
    anna = speaks(stack)
    link = checkout(anna, "100 requests", LABELS["stripe"])
    kill_at(stack, "record_deliveries", when)
    stack.payments.press(link, "pay")
    restart(stack)
    assert stack.payments.idle(90)
    assert effects_of(sql, anna) == ONCE
    assert 1 <= len(messages_with(stack, clock, anna, "Paid, thank you!")) <= 2
    assert not sql("select from telegram_outbox where chat_id = %s", anna.id)


def test_killed_while_yookassa_is_asked_it_is_asked_again(
    stack: Stack, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = speaks(stack)
    link = checkout(anna, "100 requests", LABELS["yookassa"])
    fake_server, questions = stack.payments["yookassa"], []
    answer = fake_server.api

    def answer_the_dead(request: Any, path: str) -> Any:
        questions.append(path)
        if len(questions) == 1:
            stack.function("payments").kill()
        return answer(request, path)

    monkeypatch.setattr(fake_server, "api", answer_the_dead)
    stack.payments.press(link, "pay")
    restart(stack)
    assert stack.payments.idle(90)
    assert len(questions) >= 2
    assert effects_of(sql, anna) == ONCE


@pytest.mark.parametrize("when", WHEN)
def test_killed_while_cloudpayments_asks_nothing_is_taken_and_the_payer_tries_again(
    stack: Stack, sql: Sql, when: When
) -> None:
    anna = speaks(stack)
    link = checkout(anna, "100 requests", LABELS["cloudpayments"])
    kill_at(stack, "check_order", when)
    with pytest.raises(NotPossible):
        stack.payments.press(link, "pay")
    restart(stack)
    assert effects_of(sql, anna) == []
    stack.payments.press(link, "pay")
    assert stack.payments.idle(90)
    assert effects_of(sql, anna) == ONCE


@pytest.mark.parametrize(("provider", "when"), [*((key, "after") for key in REFUNDING), ("fake", "before")])
def test_killed_around_a_refund_it_is_taken_back_once(
    stack: Stack, sql: Sql, clock: Clock, provider: str, when: When
) -> None:
    anna = speaks(stack)
    link = checkout(anna, "100 requests", LABELS[provider])
    stack.payments.press(link, "pay")
    assert stack.payments.idle(90)
    kill_at(stack, "record_payment_event", when)
    stack.payments.press(link, "refund")
    restart(stack)
    assert stack.payments.idle(90)
    assert effects_of(sql, anna) == BACK
    assert credits(sql, anna) == 0
    assert 1 <= len(messages_with(stack, clock, anna, "refunded ")) <= 2


@pytest.mark.parametrize(("provider", "when"), [*((key, "after") for key in RENEWING), ("fake", "before")])
def test_killed_around_a_renewal_one_period_is_added(
    stack: Stack, sql: Sql, clock: Clock, provider: str, when: When
) -> None:
    anna = speaks(stack)
    anna.send("/buy")
    page = tap(tap(anna.answer(), "Premium for a month"), _repeating(provider))
    if "receipt" in page.text:
        anna.send("anna@example.com")
        page = anna.answer()
    link = link_of(page)
    stack.payments.press(link, "pay")
    assert stack.payments.idle(90)
    kill_at(stack, "record_payment_event", when)
    stack.payments.press(link, "renew")
    restart(stack)
    assert stack.payments.idle(90)
    assert [one["effect"] for one in effects_of(sql, anna)] == ["subscription"] * 2
    (row,) = sql(
        "select s.ends_at::date - s.starts_at::date as days from subscriptions s "
        "join users u on u.id = s.user_id where u.telegram_id = %s",
        anna.id,
    )
    assert 59 <= row["days"] <= 62
    assert 1 <= len(messages_with(stack, clock, anna, "has been renewed until")) <= 2


def _repeating(provider: str) -> str:
    return {"stripe": "🔁 Card (Stripe)", "cloudpayments": "🔁 Card (CloudPayments)"}.get(
        provider, "🔁 Test payment"
    )


# Between two notices of one event.


@pytest.mark.parametrize("death", ["the function", "the connection", "the statement"])
def test_of_an_event_with_two_notices_both_count_or_none(
    stack: Stack, sql: Sql, database_url: str, death: str
) -> None:
    """Anna's notice is applied, Ben's waits for a lock: then somebody dies."""
    anna, ben = speaks(stack), speaks(stack)
    links = [checkout(one, "100 requests", LABELS["fake"]) for one in (anna, ben)]
    fake_server: Any = stack.payments["fake"]
    invoices = [fake_server.invoices[link.rpartition("/")[2]] for link in links]
    callback = _two_in_one(fake_server, invoices)
    with psycopg.connect(database_url) as holder:
        holder.execute("select from orders where id = %s for update", (invoices[1].object["order_id"],))
        fake_server.send(invoices[0], [callback])
        waiting = eventually(lambda: _waiting(sql), 20)
        assert credits(sql, anna) == 0  # nothing half
        match death:
            case "the function":
                stack.function("payments").kill()
            case "the connection":
                stack.database.down()
                stack.database.up()
            case _:
                sql("select pg_terminate_backend(%s)", waiting)
        holder.rollback()
    stack.function("payments").start()
    assert stack.payments.idle(90)
    assert effects_of(sql, anna) == effects_of(sql, ben) == ONCE
    for one in (anna, ben):
        assert credits(sql, one) == 100


def _two_in_one(fake_server: Any, invoices: list[Any]) -> Callback:
    events = [
        {"kind": "paid", "payment_id": f"{invoice.id}-together", "order_id": invoice.object["order_id"]}
        | {
            "amount": str(invoice.amount),
            "currency": invoice.currency,
            "telegram_id": invoice.object["telegram_id"],
        }
        for invoice in invoices
    ]
    body = json.dumps({"id": f"event-{invoices[0].id}", "type": "together", "events": events}).encode()
    headers = {"Content-Type": "application/json", "X-Fake-Signature": fake_server._sign(body)}
    return Callback("together", lambda _attempt: (headers, body))


def _waiting(sql: Sql) -> int | None:
    rows = sql(
        "select pid from pg_stat_activity where wait_event_type = 'Lock' and query like %s",
        "%record_payment_event%",
    )
    return int(rows[0]["pid"]) if rows else None


# Telegram Stars: told by the bot's own updates.


@pytest.mark.parametrize("when", WHEN)
def test_killed_around_the_record_of_stars_they_count_once(
    stack: Stack, sql: Sql, clock: Clock, when: When
) -> None:
    anna = speaks(stack)
    link = checkout(anna, "100 requests", "Telegram Stars")
    kill_at(stack, "record_payment_event", when, "telegram")
    payment = anna.pay(link).wait()
    restart(stack, "telegram")
    stack.telegram.retry_now()
    eventually(lambda: effects_of(sql, anna) == ONCE, 60)
    assert 1 <= len(messages_with(stack, clock, anna, "Paid, thank you!")) <= 2

    kill_at(stack, "record_payment_event", when, "telegram")
    refund = {"user_id": anna.id, "telegram_payment_charge_id": payment.charge_id}
    stack.telegram.request("assistant", "refundStarPayment", refund)
    restart(stack, "telegram")
    stack.telegram.retry_now()
    eventually(lambda: effects_of(sql, anna) == BACK, 60)
    assert credits(sql, anna) == 0


def test_killed_before_the_question_of_stars_is_answered_nothing_is_taken(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    link = checkout(anna, "100 requests", "Telegram Stars")
    kill_at(stack, "check_order", "after", "telegram")
    first = anna.pay(link)
    restart(stack, "telegram")
    stack.telegram.retry_now()
    eventually(lambda: first.state != "asked", 30)
    if first.state != "paid":  # the question came too late: Telegram took nothing, and Anna tries again
        anna.pay(link).wait()
    eventually(lambda: effects_of(sql, anna) == ONCE, 60)


# The job that asks.


@pytest.mark.parametrize("when", WHEN)
def test_killed_in_the_middle_of_the_job_the_next_one_goes_on(
    stack: Stack, sql: Sql, clock: Clock, when: When
) -> None:
    """Nobody told about the payment: the job asks, and its function dies around the record."""
    anna = speaks(stack)
    link = checkout(anna, "100 requests", LABELS["stripe"])
    stack.payments["stripe"].callbacks.lose_next(9)
    stack.payments.press(link, "pay")
    assert stack.payments.idle(20)
    stack.payments.clear()
    clock("clock_timestamp() + interval '6 minutes'")
    kill_at(stack, "record_payment_event", when, "scheduled")
    job = threading.Thread(target=stack.run_job, args=("payments",))
    job.start()
    restart(stack, "scheduled")
    job.join(60)
    clock("clock_timestamp() + interval '3 hours'")
    eventually(lambda: stack.run_job("payments").status == 200 and effects_of(sql, anna) == ONCE, 60)
    assert credits(sql, anna) == 100
