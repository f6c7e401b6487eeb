"""The function is killed between two steps of a payment; the repeated callback fulfils it exactly once."""

from __future__ import annotations

import json
import threading
from typing import Any

import psycopg
import pytest

from shared.payments.providers import load
from tests.stories.test_buy import LABELS, checkout, credits, link_of, speaks, tap
from tests.supabase.payments.crashes import (
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
from tests.support import eventually
from tools.emulator.payments import Callback, NotPossible
from tools.emulator.stack import Stack

pytestmark = [pytest.mark.usefixtures("alive"), pytest.mark.slow]
REFUNDING = sorted(key for key in LABELS if load(key).SUPPORTS_REFUNDS)
RENEWING = ["stripe", "cloudpayments", "fake"]  # also sell in USD


# Callbacks of providers.


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("provider", LABELS)
def test_payment_is_fulfilled_once_when_killed_around_recording(
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
    assert (
        1 <= len(messages_with(stack, clock, anna, "Paid, thank you!")) <= 2
    )  # messages are delivered at least once


@pytest.mark.parametrize("when", WHEN)
def test_buyer_is_notified_when_killed_during_the_delivery(
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


def test_yookassa_is_queried_again_when_killed_during_the_query(
    stack: Stack, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = speaks(stack)
    link = checkout(anna, "100 requests", LABELS["yookassa"])
    fake_server, queries = stack.payments["yookassa"], []
    answer = fake_server.api

    def answer_after_kill(request: Any, path: str) -> Any:
        queries.append(path)
        if len(queries) == 1:
            stack.function("payments").kill()
        return answer(request, path)

    monkeypatch.setattr(fake_server, "api", answer_after_kill)
    stack.payments.press(link, "pay")
    restart(stack)
    assert stack.payments.idle(90)
    assert len(queries) >= 2
    assert effects_of(sql, anna) == ONCE


@pytest.mark.parametrize("when", WHEN)
def test_cloudpayments_charges_nothing_when_killed_during_its_check(
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
def test_refund_is_reversed_once_when_killed_around_recording(
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
def test_renewal_adds_one_period_when_killed_around_recording(
    stack: Stack, sql: Sql, clock: Clock, provider: str, when: When
) -> None:
    anna = speaks(stack)
    anna.send("/buy")
    page = tap(tap(anna.answer(), "Premium for a month"), _renewing_button(provider))
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


def _renewing_button(provider: str) -> str:
    return {"stripe": "🔁 Card (Stripe)", "cloudpayments": "🔁 Card (CloudPayments)"}.get(
        provider, "🔁 Test payment"
    )


# Between two payment events of one webhook event.


@pytest.mark.parametrize("killed", ["the function", "the connection", "the statement"])
def test_both_or_no_payment_events_of_one_webhook_event_are_applied(
    stack: Stack, sql: Sql, database_url: str, killed: str
) -> None:
    """Anna's payment is applied and Ben's waits for a lock when one of the three dies."""
    anna, ben = speaks(stack), speaks(stack)
    links = [checkout(one, "100 requests", LABELS["fake"]) for one in (anna, ben)]
    fake_server: Any = stack.payments["fake"]
    invoices = [fake_server.invoices[link.rpartition("/")[2]] for link in links]
    callback = _callback_with_two_payments(fake_server, invoices)
    with psycopg.connect(database_url) as holder:
        holder.execute("select from orders where id = %s for update", (invoices[1].object["order_id"],))
        fake_server.send(invoices[0], [callback])
        waiting = eventually(lambda: _blocked_backend(sql), 20)
        assert credits(sql, anna) == 0  # not committed
        match killed:
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


def _callback_with_two_payments(fake_server: Any, invoices: list[Any]) -> Callback:
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


def _blocked_backend(sql: Sql) -> int | None:
    rows = sql(
        "select pid from pg_stat_activity where wait_event_type = 'Lock' and query like %s",
        "%record_payment_event%",
    )
    return int(rows[0]["pid"]) if rows else None


# Telegram Stars: reported by the bot's own updates.


@pytest.mark.parametrize("when", WHEN)
def test_stars_are_fulfilled_and_reversed_once_when_killed_around_recording(
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


def test_stars_are_not_charged_when_killed_before_the_precheckout_answer(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    link = checkout(anna, "100 requests", "Telegram Stars")
    kill_at(stack, "check_order", "after", "telegram")
    first = anna.pay(link)
    restart(stack, "telegram")
    stack.telegram.retry_now()
    eventually(lambda: first.state != "asked", 30)
    if first.state != "paid":  # the pre-checkout timed out: nothing was charged, and Anna pays again
        anna.pay(link).wait()
    eventually(lambda: effects_of(sql, anna) == ONCE, 60)


# The job that queries providers.


@pytest.mark.parametrize("when", WHEN)
def test_next_job_continues_when_killed_during_the_job(
    stack: Stack, sql: Sql, clock: Clock, when: When
) -> None:
    """The callback is lost, so the job queries the provider, and the function is killed around recording."""
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
