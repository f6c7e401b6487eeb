"""Reconciliation of recorded payments with the providers' statements, day by day."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.payments import providers
from tests.payments import provider_lists
from tests.stories.test_buy import LABELS, checkout, credits, news, speaks
from tests.stories.test_star_list import pay_unheard
from tests.support import eventually, in_parallel, says
from tools.emulator.payments.invoices import Invoice
from tools.emulator.stack import Stack

Sql = Callable[..., list[dict[str, Any]]]
Clock = Callable[[str], None]
LISTED = sorted(key for key in LABELS if providers.load(key).SUPPORTS_STATEMENTS)
REFUNDING = [key for key in LISTED if providers.load(key).SUPPORTS_REFUNDS]
TOMORROW = "clock_timestamp() + interval '28 hours'"  # the day of the test is over, its lists are due


@pytest.fixture(autouse=True)
def unread(sql: Sql) -> None:
    """Mark older days as read, so that only the days of these tests are due."""
    sql(
        "insert into statement_days (provider, day, read_at) select provider, current_date - days, now() "
        "from unnest(%s::text[]) as provider, generate_series(3, 60) as days",
        LISTED,
    )


def lose(stack: Stack, provider: str, link: str, action: str) -> Invoice:
    """Press a button whose callbacks are lost."""
    stack.payments[provider].callbacks.lose_next(5)
    invoice = stack.payments.press(link, action)
    assert stack.payments.idle(20)
    stack.payments.clear()
    return invoice


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
    """Return kind, provider amount and recorded amount of the statement lines of payments."""
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
    invoice = lose(stack, provider, link, "pay")
    assert credits(sql, anna) == 0
    clock(TOMORROW)
    read_lists(stack, sql)
    news(anna, "Paid, thank you!")
    assert credits(sql, anna) == 100
    assert of(sql, provider, *payments_of(sql, anna)) == [("paid", invoice.amount, invoice.amount)]
    stack.payments.press(link, "deliver_twice")  # the callbacks that come after all
    assert stack.payments.idle(20)
    sql("update statement_days set next_read_at = private.clock() where day > current_date - 3")
    stack.run_job("statements")
    assert credits(sql, anna) == 100
    assert len(payments_of(sql, anna)) == 1
    assert sql("select * from check_payments()") == []


@pytest.mark.parametrize("provider", REFUNDING)
def test_a_lost_refund_is_recorded_once(stack: Stack, sql: Sql, clock: Clock, provider: str) -> None:
    anna = speaks(stack)
    link = checkout(anna, "100 requests", LABELS[provider])
    invoice = stack.payments.press(link, "pay")
    news(anna, "Paid, thank you!")
    lose(stack, provider, link, "refund")
    assert credits(sql, anna) == 100
    clock(TOMORROW)
    read_lists(stack, sql)
    news(anna, "we’ve refunded")
    assert credits(sql, anna) == 0
    lines = of(sql, provider, *payments_of(sql, anna))
    assert lines == [("paid", invoice.amount, invoice.amount), ("refund", -invoice.amount, -invoice.amount)]
    assert sql("select * from check_payments()") == []


def make_foreign(invoice: Invoice) -> None:
    """Give an invoice an unknown order id, as if another shop used the same account."""
    name, place = next(
        (name, place)
        for place in (invoice.object.get("metadata") or {}, invoice.object)
        for name in ("order_id", "InvoiceId", "payload")
        if name in place
    )
    place[name] = 999_999_999 if isinstance(place[name], int) else "999999999"
    if "client_reference_id" in invoice.object:
        invoice.object["client_reference_id"] = "999999999"


@pytest.mark.parametrize("provider", LISTED)
def test_payments_of_another_shop_cause_no_alert(
    stack: Stack, sql: Sql, clock: Clock, appoint: Callable[..., Any], provider: str
) -> None:
    olga = appoint().chat("assistant")
    olga.send("/start")
    olga.answer()
    anna = speaks(stack)
    link = checkout(anna, "100 requests", LABELS[provider])
    shop = stack.payments[provider]
    invoice = shop.invoices[link.rpartition("/")[2]]
    make_foreign(invoice)
    if provider == "cloudpayments":  # which would run its precheck first
        shop.ledger.keep(shop.ledger.transaction(invoice, invoice.amount, "Completed"))  # type: ignore[attr-defined]
    else:
        lose(stack, provider, link, "pay")
    clock(TOMORROW)
    read_lists(stack, sql)
    assert credits(sql, anna) == 0
    assert payments_of(sql, anna) == []
    (found,) = sql(
        "select count(*) from statement_entries where provider = %s and not is_ours and amount = %s",
        provider,
        invoice.amount,
    )
    assert found["count"] == 1
    assert not [one.text for one in olga.answers() if "Payment without an order" in one.text]


@pytest.mark.parametrize(
    ("language", "says"), [("en", "Payments don’t match"), ("ru", "Платежи не сходятся")]
)
def test_a_payment_missing_at_the_provider_is_reported_once(
    stack: Stack, sql: Sql, clock: Clock, appoint: Callable[..., Any], language: str, says: str
) -> None:
    olga = appoint(language).chat("assistant")
    olga.send("/start")
    olga.answer()
    anna = speaks(stack)
    link = checkout(anna, "100 requests", LABELS["fake"])
    invoice = stack.payments.press(link, "pay")
    news(anna, "Paid, thank you!")
    (number,) = payments_of(sql, anna)
    shop = stack.payments["fake"]
    shop.events[:] = [one for one in shop.events if one["events"][0].get("payment_id") != number]  # type: ignore[attr-defined]
    clock(TOMORROW)
    read_lists(stack, sql)
    alert = eventually(lambda: [one for one in olga.answers() if says in one.text and number in one.text], 30)
    sql("update statement_days set next_read_at = private.clock() where day > current_date - 3")
    read_lists(stack, sql)
    assert of(sql, "fake", number) == [("paid", None, invoice.amount)]
    olga.send("/statement")
    shown = eventually(lambda: [one for one in olga.answers() if "🧾" in one.text], 30)[0].text
    assert "🚨" in shown
    assert len([one for one in olga.answers() if says in one.text and number in one.text]) == len(alert) == 1


def test_days_without_payments_are_reported_as_compared(
    stack: Stack, sql: Sql, appoint: Callable[..., Any]
) -> None:
    olga = appoint("en").chat("assistant")
    sql("delete from statement_days")
    olga.send("/statement")
    assert "Nothing to compare yet" in olga.answer().text
    sql("insert into statement_days (provider, day, read_at) values ('fake', current_date - 1, now())")
    olga.send("/statement")
    assert says(olga.answer().text, "statement_no_payments", days=1)


def test_only_admins_see_the_report(stack: Stack) -> None:
    anna = speaks(stack)
    anna.send("/statement").wait()
    assert "🧾" not in anna.answer().text


@pytest.mark.parametrize("provider", LISTED)
def test_concurrent_runs_record_a_payment_once(stack: Stack, sql: Sql, clock: Clock, provider: str) -> None:
    anna = speaks(stack)
    link = checkout(anna, "100 requests", LABELS[provider])
    lose(stack, provider, link, "pay")
    clock(TOMORROW)
    # Each of them takes days of its own; the third skips a day leased by another run.
    in_parallel(3, lambda _n: stack.run_job("statements"))
    sql(
        "update statement_days set lease_until = null, cursor = '', read_at = null "
        "where day > current_date - 3"
    )
    in_parallel(3, lambda _n: stack.run_job("statements"))
    sql("update statement_days set lease_until = null")
    read_lists(stack, sql)
    assert credits(sql, anna) == 100
    assert len(payments_of(sql, anna)) == 1
    assert sql("select * from check_payments()") == []


@pytest.mark.parametrize("function", ["check_statement", "record_payment_event", "save_statement_page"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_the_run_after_a_killed_one_continues(
    stack: Stack, sql: Sql, clock: Clock, function: str, when: Any
) -> None:
    anna = speaks(stack)
    link = checkout(anna, "100 requests", LABELS["yookassa"])
    invoice = lose(stack, "yookassa", link, "pay")
    clock(TOMORROW)
    scheduled = stack.function("scheduled")
    stack.database.on(function, when=when, do=scheduled.kill)
    stack.run_job("statements")
    eventually(lambda: not scheduled.pid, 30)
    stack.database.clear()
    scheduled.restart()
    sql("update statement_days set lease_until = null")  # two minutes later
    read_lists(stack, sql)
    assert credits(sql, anna) == 100
    assert of(sql, "yookassa", invoice.id) == [("paid", invoice.amount, invoice.amount)]


@pytest.mark.parametrize(
    "provider", [key for key in provider_lists.LISTED if key in provider_lists.REFUNDING]
)
def test_many_pages_are_read_to_the_end(stack: Stack, sql: Sql, clock: Clock, provider: str) -> None:
    """Three lost payments and three lost refunds are found with one entry a page."""
    stack.payments[provider].page_size = 1
    try:
        buyers = [speaks(stack) for _ in range(3)]
        for anna in buyers:
            link = checkout(anna, "100 requests", LABELS[provider])
            lose(stack, provider, link, "pay")
            lose(stack, provider, link, "refund")
        clock(TOMORROW)
        read_lists(stack, sql)
    finally:
        stack.payments[provider].page_size = 100
    for anna in buyers:
        assert [kind for kind, _, _ in of(sql, provider, *payments_of(sql, anna))] == ["paid", "refund"]
        assert credits(sql, anna) == 0


@pytest.mark.parametrize("is_lost", [True, False])
def test_stars_are_booked_net_of_an_affiliates_commission(
    stack: Stack, sql: Sql, clock: Clock, is_lost: bool
) -> None:
    """The list shows the price less the commission; the buyer paid the price."""
    sql("insert into star_positions (bot) values ('assistant')")
    stack.telegram.stars.commission_per_mille = 100
    try:
        anna = speaks(stack)
        link = checkout(anna, "100 requests", "Telegram Stars")
        if is_lost:
            pay_unheard(stack, anna, link)
        else:
            anna.pay(link).wait()
            news(anna, "Paid, thank you!")
        clock(TOMORROW)
        read_lists(stack, sql)
    finally:
        stack.telegram.stars.commission_per_mille = 0
    assert credits(sql, anna) == 100
    (number,) = payments_of(sql, anna)
    (row,) = sql(
        "select p.amount, p.problem, o.fee from payments p join payment_operations o on o.payment_id = p.id "
        "where p.provider_payment_id = %s",
        number,
    )
    assert row["problem"] is None
    assert row["fee"] == row["amount"] // 10 > 0
    net = row["amount"] - row["fee"]
    assert of(sql, "telegram_stars", number) == [("paid", net, net)]


def test_an_unavailable_provider_does_not_block_others(stack: Stack, sql: Sql, clock: Clock) -> None:
    anna = speaks(stack)
    lose(stack, "yookassa", checkout(anna, "100 requests", LABELS["yookassa"]), "pay")
    clock(TOMORROW)
    stack.payments["stripe"].faults.fail("/v1/events", times=100)
    stack.run_job("statements")
    eventually(lambda: stack.run_job("statements").status == 200 and credits(sql, anna) == 100, 60)
    assert sql("select from statement_days where provider = 'stripe' and failures > 0")
    stack.payments.clear()
    sql("update statement_days set lease_until = null")
    read_lists(stack, sql)


def test_a_dispute_and_its_end_are_found(stack: Stack, sql: Sql, clock: Clock) -> None:
    anna = speaks(stack)
    link = checkout(anna, "100 requests", LABELS["stripe"])
    invoice = stack.payments.press(link, "pay")
    news(anna, "Paid, thank you!")
    lose(stack, "stripe", link, "dispute")
    clock(TOMORROW)
    read_lists(stack, sql)
    assert credits(sql, anna) == 0
    numbers = payments_of(sql, anna)
    assert of(sql, "stripe", *numbers)[0] == ("dispute", -invoice.amount, -invoice.amount)
    lose(stack, "stripe", link, "win_dispute")
    sql("update statement_days set next_read_at = private.clock() where day > current_date - 3")
    eventually(lambda: stack.run_job("statements").status == 200 and credits(sql, anna) == 100, 60)
    assert of(sql, "stripe", *numbers)[0] == ("dispute", 0, 0)


@pytest.mark.parametrize(
    ("provider", "label"),
    [("stripe", "Card (Stripe"), ("cloudpayments", "Card (CloudPayments"), ("fake", "Test payment")],
)
def test_a_lost_first_payment_and_a_lost_renewal_are_recorded_in_turn(
    stack: Stack, sql: Sql, clock: Clock, provider: str, label: str
) -> None:
    anna = speaks(stack)
    link = checkout(anna, "Premium for a month", "🔁 " + label)
    lose(stack, provider, link, "pay")
    lose(stack, provider, link, "renew")
    clock(TOMORROW)
    read_lists(stack, sql)
    rows = sql(
        "select p.problem from payments p join users u on u.id = p.user_id where u.telegram_id = %s", anna.id
    )
    assert [row["problem"] for row in rows] == [None, None]
    assert sql("select * from check_payments()") == []


def test_a_lost_renewal_paid_by_credit_is_recorded_with_amount_zero(
    stack: Stack, sql: Sql, clock: Clock
) -> None:
    anna = speaks(stack)
    link = checkout(anna, "Premium for a month", "🔁 Card (Stripe")
    invoice = stack.payments.press(link, "pay")
    news(anna, "Paid, thank you!")
    stack.payments["stripe"].credit = 100_000  # type: ignore[attr-defined]
    try:
        lose(stack, "stripe", link, "renew")
    finally:
        stack.payments["stripe"].credit = 0  # type: ignore[attr-defined]
    clock(TOMORROW)
    read_lists(stack, sql)
    news(anna, "has been renewed until")
    lines = of(sql, "stripe", *payments_of(sql, anna))
    assert lines == [("paid", 0, 0), ("paid", invoice.amount, invoice.amount)]
    assert sql("select * from check_payments()") == []
