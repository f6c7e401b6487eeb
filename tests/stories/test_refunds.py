"""Refunds by admins: confirmation, every provider with refunds, executed once despite failures."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.payments import providers
from tests import sql_results
from tests.conftest import ADMIN
from tests.stories.test_admin import labels, tap
from tests.stories.test_buy import LABELS, checkout, credits, news, speaks
from tests.stories.test_buy import tap as tap_and_read
from tests.support import eventually, says
from tests.telegram.test_crashes import LATER
from tools.emulator.stack import Stack
from tools.emulator.telegram.test_objects import Answer
from tools.emulator.telegram.users import Chat, TelegramUser

Sql = Callable[..., list[dict[str, Any]]]
Appoint = Callable[..., TelegramUser]
CAN = sorted(key for key in LABELS if providers.load(key).SUPPORTS_REFUNDS)
CANNOT = sorted(key for key in LABELS if not providers.load(key).SUPPORTS_REFUNDS)
NUMBER = {"en": "#", "ru": "№ "}
MUCH_LATER = "clock_timestamp() + interval '30 hours'"


def ask(chat: Chat, text: str) -> Answer:
    """Send a message and return the bot's answer to it, ignoring earlier answers."""
    seen = len(chat.answers())
    chat.send(text).wait(timeout=20)
    return eventually(lambda: chat.answers()[seen:], 20)[0]  # type: ignore[no-any-return]


def buy(stack: Stack, sql: Sql, provider: str) -> tuple[Chat, int, str]:
    """Buy 100 requests; return the chat, the id of the payment and the checkout's URL."""
    anna = speaks(stack)
    if provider == "telegram_stars":
        link = checkout(anna, "100 requests", "Telegram Stars")
        anna.pay(link).wait()
    else:
        link = checkout(anna, "100 requests", LABELS[provider])
        stack.payments.press(link, "pay")
    news(anna, "Paid, thank you!")
    return anna, payment_of(sql, anna), link


def payment_of(sql: Sql, chat: Chat) -> int:
    rows = sql(
        "select p.id from payments p join users u on u.id = p.user_id where u.telegram_id = %s "
        "order by p.id desc",
        chat.id,
    )
    return int(rows[0]["id"])


def refunds_of(sql: Sql, payment: int) -> list[str]:
    rows = sql("select status from refunds where payment_id = %s order by id", payment)
    return [row["status"] for row in rows]


def given_back(sql: Sql, payment: int) -> float:
    return float(sql("select refunded from payments where id = %s", payment)[0]["refunded"])


def tap_yes(answer: Answer) -> Answer:
    """Tap the button that confirms the refund and wait until the message is edited."""
    return tap_and_read(answer, "Yes, refund")


def messages(chat: Chat, words: str) -> list[Answer]:
    return [one for one in chat.answers() if words in one.text]


# With every provider ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", [*CAN, "telegram_stars"])
def test_a_full_refund_is_executed_once(stack: Stack, appoint: Appoint, sql: Sql, provider: str) -> None:
    anna, payment, _link = buy(stack, sql, provider)
    boss = appoint("en").chat("assistant")
    question = ask(boss, f"/refund {payment}")
    assert question.text.startswith("↩️ Refund ")
    assert "The buyer gets a message and loses the unused part of the purchase" in question.text
    assert ("For a partial refund" in question.text) == (provider != "telegram_stars")
    assert given_back(sql, payment) == 0

    done = tap_yes(question)

    assert done.text.startswith("✅ Refunded "), done.text
    assert f"Payment {payment} ·" in done.text and "· Refunded" in done.text
    assert "100 requests, removed: 100" in done.text
    assert not [label for row in labels(done) for label in row if "Refund" in label]
    news(anna, "we’ve refunded")
    assert stack.payments.idle(20)
    assert credits(sql, anna) == 0
    assert refunds_of(sql, payment) == ["done"]
    assert "has already been refunded in full" in ask(boss, f"/refund {payment}").text
    assert len(messages(anna, "we’ve refunded")) == 1
    assert sql("select * from check_payments()") == []
    log = ask(boss, f"/audit {anna.id}").text
    assert f"payment {payment}: completed" in log


@pytest.mark.parametrize("provider", [key for key in CAN if providers.load(key).SUPPORTS_PARTIAL_REFUNDS])
def test_a_partial_refund_and_then_the_rest(stack: Stack, appoint: Appoint, sql: Sql, provider: str) -> None:
    anna, payment, _link = buy(stack, sql, provider)
    boss = appoint("en").chat("assistant")
    amount = sql("select amount from payments where id = %s", payment)[0]["amount"]
    half = round(amount / 2, 2)
    question = ask(boss, f"/refund {payment} {str(half).replace('.', ',')}")
    assert "the same share of the purchase" in question.text
    part = tap_yes(question)
    assert part.text.startswith("✅ Refunded ")
    assert "Paid, partly refunded" in part.text
    eventually(lambda: 49 <= credits(sql, anna) <= 51, 20)
    news(anna, "the part of the purchase it paid for")
    assert says(ask(boss, f"/refund {payment} {amount}").text, "admin_refund_too_much")
    # The rest, from the card's own button.
    rest = next(label for row in labels(part) for label in row if "Refund" in label)
    tap(part, rest)
    assert tap_yes(part).text.startswith("✅ Refunded ")
    news(anna, " and canceled the purchase")
    assert stack.payments.idle(20)
    assert credits(sql, anna) == 0
    assert refunds_of(sql, payment) == ["done", "done"]
    assert sql("select * from check_payments()") == []


@pytest.mark.parametrize("provider", CANNOT)
def test_a_provider_without_refunds_is_reported(
    stack: Stack, appoint: Appoint, sql: Sql, provider: str
) -> None:
    _anna, payment, _link = buy(stack, sql, provider)
    boss = appoint("en").chat("assistant")
    for command in ("refund", "payment"):  # no button leads to the same sentence again
        answer = ask(boss, f"/{command} {payment}")
        assert "refunds can’t be issued from here" in answer.text
        assert labels(answer) == [["👤 User", "💳 Payments"]]
    assert refunds_of(sql, payment) == []


@pytest.mark.parametrize("provider", CAN)
def test_a_payment_card_offers_the_possible_refund(
    stack: Stack, appoint: Appoint, sql: Sql, provider: str
) -> None:
    _anna, payment, _link = buy(stack, sql, provider)
    shown = ask(appoint("en").chat("assistant"), f"/payment {payment}")
    assert labels(shown)[0][0].startswith("↩️ Refund")


def test_stars_are_refunded_in_full_only(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    _anna, payment, _link = buy(stack, sql, "telegram_stars")
    boss = appoint("en").chat("assistant")
    for amount in ("50", "0.5"):
        assert "only full refunds are possible" in ask(boss, f"/refund {payment} {amount}").text


# When the provider does not do as it should ----------------------------------------------------------------


@pytest.mark.parametrize("provider", CAN)
def test_a_lost_response_causes_no_second_refund(
    stack: Stack, appoint: Appoint, sql: Sql, clock: Callable[[str], None], provider: str
) -> None:
    anna, payment, _link = buy(stack, sql, provider)
    boss = appoint("en").chat("assistant")
    question = ask(boss, f"/refund {payment} 1")
    stack.payments[provider].callbacks.lose_next(5)
    stack.payments[provider].faults.fail("refund", 502, executed=True)
    answer = tap_yes(question)
    assert "hasn’t given a clear answer" in answer.text
    assert "unconfirmed, still checking" in answer.text
    assert "is already being refunded" in ask(boss, f"/refund {payment}").text
    assert stack.payments.idle(20)

    clock(LATER)
    eventually(lambda: stack.run_job("payments").status == 200 and refunds_of(sql, payment) == ["done"], 60)

    news(boss, "✅ Refunded ")
    news(anna, "we’ve refunded")
    assert given_back(sql, payment) == 1
    assert sql("select * from check_payments()") == []


@pytest.mark.parametrize("provider", CAN)
def test_a_callback_confirms_a_refund_whose_response_was_lost(
    stack: Stack, appoint: Appoint, sql: Sql, provider: str
) -> None:
    anna, payment, _link = buy(stack, sql, provider)
    boss = appoint("en").chat("assistant")
    question = ask(boss, f"/refund {payment}")
    stack.payments[provider].faults.fail("refund", 502, executed=True)
    question.tap(next(label for row in labels(question) for label in row if "Yes" in label)).wait()
    eventually(lambda: refunds_of(sql, payment) == ["done"], 30)
    news(anna, "we’ve refunded")
    assert credits(sql, anna) == 0


def test_a_refund_is_retried_while_the_provider_is_down(
    stack: Stack, appoint: Appoint, sql: Sql, clock: Callable[[str], None]
) -> None:
    _anna, payment, _link = buy(stack, sql, "yookassa")
    boss = appoint("en").chat("assistant")
    stack.payments["yookassa"].faults.fail("refund", 503, times=2)
    assert "hasn’t given a clear answer" in tap_yes(ask(boss, f"/refund {payment}")).text
    assert given_back(sql, payment) == 0
    clock(LATER)
    eventually(lambda: (stack.run_job("payments").status == 200 and refunds_of(sql, payment) == ["done"])
               or clock("clock_timestamp() + interval '1 hour'"), 60)  # fmt: skip
    news(boss, "✅ Refunded ")


def test_a_rejected_refund_is_reported_and_can_be_repeated(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    _anna, payment, _link = buy(stack, sql, "yookassa")
    boss = appoint("en").chat("assistant")
    stack.payments["yookassa"].faults.fail("refund", 400)
    refused = tap_yes(ask(boss, f"/refund {payment}"))
    assert "rejected by" in refused.text
    assert "yookassa answered 400" in refused.text
    assert refunds_of(sql, payment) == ["refused"]
    again = next(label for row in labels(refused) for label in row if "Refund" in label)
    tap(refused, again)
    assert tap_yes(refused).text.startswith("✅ Refunded ")
    assert refunds_of(sql, payment) == ["refused", "done"]


def test_a_slow_refund_that_fails_is_reported(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    anna, payment, _link = buy(stack, sql, "stripe")
    boss = appoint("en").chat("assistant")
    assert tap_yes(ask(boss, f"/refund {payment}")).text.startswith("✅")
    (row,) = sql("select operation_id from refunds where payment_id = %s", payment)
    stack.payments["stripe"].fail_refund(row["operation_id"])  # type: ignore[attr-defined]
    news(boss, "failed")
    news(anna, "your purchase is active again")
    assert refunds_of(sql, payment) == ["failed"]


def test_a_refund_with_an_unknown_outcome_is_reported_to_the_admin(
    stack: Stack, appoint: Appoint, sql: Sql, clock: Callable[[str], None]
) -> None:
    _anna, payment, _link = buy(stack, sql, "fake")
    boss = appoint("en").chat("assistant")
    stack.payments["fake"].faults.fail("refund", 503)
    tap_yes(ask(boss, f"/refund {payment}"))
    clock(MUCH_LATER)
    eventually(
        lambda: stack.run_job("payments").status == 200 and refunds_of(sql, payment) == ["unknown"], 60
    )
    assert "Check its dashboard" in news(boss, "❓")
    assert "refund unconfirmed" in ask(boss, f"/payments {_anna.id}").text


# Twice, at once, and killed --------------------------------------------------------------------------------


def test_two_concurrent_admins_make_one_refund(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    _anna, payment, _link = buy(stack, sql, "fake")
    olga = appoint("en")
    nina = stack.telegram.user("Nina", "en")
    sql("insert into admins (email, telegram_id) values ('nina@example.com', %s)", nina.id)
    questions = [ask(one.chat("assistant"), f"/refund {payment} 1") for one in (olga, nina)]
    taps = [
        question.tap(next(label for row in labels(question) for label in row if "Yes" in label))
        for question in questions
    ]
    for one in taps:
        one.wait(timeout=30)
    edited = [question.wait_for_edit() for question in questions]
    assert sum(one.text.startswith("✅ Refunded ") for one in edited) == 1, [one.text for one in edited]
    assert stack.payments.idle(20)
    assert given_back(sql, payment) == 1
    assert refunds_of(sql, payment) == ["done"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("statement", ["admin_refund_payment", "record_payment_event", "finish_update"])
@pytest.mark.parametrize("provider", ["yookassa", "telegram_stars"])
def test_a_killed_worker_refunds_once(
    stack: Stack,
    appoint: Appoint,
    sql: Sql,
    clock: Callable[[str], None],
    provider: str,
    statement: str,
    when: Any,
) -> None:
    anna, payment, _link = buy(stack, sql, provider)
    boss = appoint("en").chat("assistant")
    question = ask(boss, f"/refund {payment}")
    if provider != "telegram_stars":
        stack.payments[provider].callbacks.lose_next(5)  # otherwise the callback would finish it first
    yes = next(label for row in labels(question) for label in row if "Yes" in label)
    stack.database.on(statement, when=when, do=lambda: stack.function("telegram").kill())
    question.tap(yes)
    eventually(lambda: not stack.function("telegram").pid, 30)
    clock(LATER)
    stack.function("telegram").restart()
    stack.telegram.retry_now()

    eventually(lambda: refunds_of(sql, payment) == ["done"], 60)

    assert question.wait_for_edit().text.startswith("✅ Refunded ")
    eventually(lambda: credits(sql, anna) == 0, 30)
    amount = float(sql("select amount from payments where id = %s", payment)[0]["amount"])
    assert given_back(sql, payment) == amount
    assert sql("select * from check_payments()") == []


def test_the_job_finishes_the_refund_of_a_killed_worker(
    stack: Stack, appoint: Appoint, sql: Sql, clock: Callable[[str], None]
) -> None:
    """Telegram does not redeliver the update: the job executes the stored refund."""
    _anna, payment, _link = buy(stack, sql, "cloudpayments")
    boss = appoint("en").chat("assistant")
    question = ask(boss, f"/refund {payment}")
    yes = next(label for row in labels(question) for label in row if "Yes" in label)
    stack.database.on("admin_refund_payment", when="after", do=lambda: stack.function("telegram").kill())
    question.tap(yes)
    eventually(lambda: not stack.function("telegram").pid, 30)
    stack.telegram.drop_pending("assistant")
    stack.function("telegram").restart()
    clock(LATER)
    eventually(lambda: stack.run_job("payments").status == 200 and refunds_of(sql, payment) == ["done"], 60)
    news(boss, "✅ Refunded ")


def test_a_failing_refund_does_not_block_others_and_is_retried(
    stack: Stack, appoint: Appoint, sql: Sql, results_folder: Path
) -> None:
    """Refunds requested by another service in SQL are sent by the job."""
    appoint("en")
    payments = [buy(stack, sql, provider)[1] for provider in ("yookassa", "fake")]
    # A receipt that cannot be made: only YooKassa has one.
    sql("alter function private.lease_refund rename to lease_refund_away")
    sql(
        "create function private.lease_refund(p_refund_id bigint) returns jsonb language sql as "
        """$$ select private.lease_refund_away(p_refund_id) || '{"texts": ["not an object"]}' $$"""
    )
    try:
        for payment in payments:
            sql("select admin_refund_payment(%s, null, %s)", payment, ADMIN)
        eventually(lambda: stack.run_job("payments").status == 200
                   and [refunds_of(sql, one) for one in payments] == [["open"], ["done"]], 60)  # fmt: skip
        assert '"our code failed on a refund"' in stack.function("scheduled").raw_log
    finally:
        sql("drop function private.lease_refund")
        sql("alter function private.lease_refund_away rename to lease_refund")
    sql(
        "update refunds set next_attempt_at = next_attempt_at - interval '2 minutes' where payment_id = %s",
        payments[0],
    )
    eventually(
        lambda: stack.run_job("payments").status == 200 and refunds_of(sql, payments[0]) == ["done"], 60
    )
    assert sql_results.reported_faults(results_folder), "the broken result differs from its header"


# What admins read ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "alarm", "button", "card", "question", "yes", "done"),
    [
        (
            "ru",
            "Оплачено дважды",
            "💳 Платёж",
            "Заказ уже оплачен другим платежом",
            "Вернуть",
            "Да, вернуть",
            "Возвращено",
        ),
        (
            "en",
            "Paid twice",
            "💳 Payment",
            "Another payment already covers this order,",
            "Refund",
            "Yes, refund",
            "Refunded",
        ),
    ],
)
def test_an_alert_opens_the_refund(
    stack: Stack, appoint: Appoint, sql: Sql, language: str, alarm: str, button: str, card: str,
    question: str, yes: str, done: str,
) -> None:  # fmt: skip
    boss = appoint(language).chat("assistant")
    ask(boss, "/start")
    _anna, payment, _link = buy(stack, sql, "fake")
    (first,) = sql("select order_id, amount, currency from payments where id = %s", payment)
    stray = pay_again(stack, first["order_id"], str(first["amount"]), first["currency"])
    alert = eventually(lambda: messages(boss, alarm), 30)[0]
    (number,) = sql("select id from payments where provider_payment_id = %s", stray)
    assert labels(alert) == [[f"{button} {number['id']}"]]
    assert "fake" not in alert.text.split("номер")[0].split("ID")[0]  # by its name, as users know it
    alert.tap(labels(alert)[0][0]).wait()
    shown = eventually(lambda: messages(boss, card), 20)[0]
    listed = ask(boss, "/payment")
    assert f"{NUMBER[language]}{number['id']}" in str(labels(listed))
    refund = next(label for row in labels(shown) for label in row if question in label)
    tap(shown, refund)
    result = tap_and_read(shown, yes)
    assert done in result.text.splitlines()[0], result.text  # the fake provider knows no such charge


def test_a_payment_of_a_removed_provider_is_listed_and_shown(
    stack: Stack, appoint: Appoint, sql: Sql
) -> None:
    boss = appoint("en").chat("assistant")
    ask(boss, "/start")
    _anna, payment, _link = buy(stack, sql, "fake")
    (first,) = sql("select order_id, amount, currency from payments where id = %s", payment)
    stray = pay_again(stack, first["order_id"], str(first["amount"]), first["currency"])
    eventually(lambda: messages(boss, "Paid twice"), 30)
    (row,) = sql("update payments set provider = 'bygone' where provider_payment_id = %s returning id", stray)
    (button,) = [label for line in labels(ask(boss, "/payment")) for label in line if f"{row['id']}" in label]
    assert "bygone" in ask(boss, f"/payment {row['id']}").text
    assert button


def pay_again(stack: Stack, order_id: int, amount: str, currency: str) -> str:
    """Charge the same order once more, as an old invoice can; return the id of the charge."""
    fake = stack.payments["fake"]
    invoice = next(one for one in fake.invoices.values() if one.object["order_id"] == order_id)
    invoice.state = "open"
    fake.act(invoice.id, "pay")
    return str(list(invoice.object["left"])[-1])


@pytest.mark.parametrize(
    ("language", "head", "given", "status", "paid", "mark"),
    [
        (
            "ru",
            "💳 Платежи: Anna",
            "🎁 100 запросов",
            "Оплачен",
            "Оплачено: 149\u00a0₽",
            "Оспоренные платежи: 1",
        ),
        ("en", "💳 Payments: Anna", "🎁 100 requests", "Paid", "Paid: 149\u00a0₽", "Bank disputes: 1"),
    ],
)
def test_the_user_card_shows_payments_and_amounts(
    stack: Stack, appoint: Appoint, sql: Sql, language: str, head: str, given: str, status: str, paid: str,
    mark: str,
) -> None:  # fmt: skip
    anna, payment, _link = buy(stack, sql, "yookassa")
    boss = appoint(language).chat("assistant")
    page = ask(boss, f"/payments {anna.id}")
    assert page.text.startswith(head)
    assert given in page.text
    assert f"· {status}" in page.text
    tap(page, f"{NUMBER[language]}{payment}")
    (row,) = sql("select provider_payment_id from payments where id = %s", payment)
    assert row["provider_payment_id"] in page.text
    assert ask(boss, f"/payment {row['provider_payment_id']}").text == page.text
    card = ask(boss, f"/user {anna.id}")
    assert paid in card.text
    assert mark not in card.text
    sql(
        "insert into payment_operations (payment_id, kind, operation_id, amount) "
        "values (%s, 'dispute', 'd', 149)",
        payment,
    )
    sql("select private.settle_payment(%s, true)", payment)
    assert mark in ask(boss, f"/user {anna.id}").text


@pytest.mark.parametrize(
    ("language", "usage", "not_found", "none", "own"),
    [
        ("ru", "/refund 17 вернёт всё", "Не удалось найти", "Платежей нет", "Вы ещё ничего не покупали"),
        (
            "en",
            "/refund 17 refunds it in full",
            "can’t find payment",
            "No payments",
            "bought anything yet",
        ),
    ],
)
def test_invalid_input_gets_an_example(
    stack: Stack, appoint: Appoint, language: str, usage: str, not_found: str, none: str, own: str
) -> None:
    user = appoint(language)
    boss = user.chat("assistant")
    for text in (
        "/refund",
        "/refund 1 2 3",
        "/refund 1 much",
        "/refund 1 -5",
        "/refund 1 1.234",
        "/refund ;",
    ):
        assert usage in ask(boss, text).text, text
    for text in ("/refund 999999999999", "/payment 999999999999", "/payment pi_nothing"):
        assert not_found in ask(boss, text).text, text
    assert "/payment 17" in ask(boss, "/payment one two").text
    assert "/payments @name" in ask(boss, "/payments one two").text
    assert none in ask(boss, f"/payments {user.id}").text
    assert own in ask(boss, "/payments").text


@pytest.mark.parametrize(("language", "words"), [("ru", "Всё сходится"), ("en", "Everything matches")])
def test_check_reports_mismatches(
    stack: Stack, appoint: Appoint, sql: Sql, language: str, words: str
) -> None:
    boss = appoint(language).chat("assistant")
    assert words in ask(boss, "/check").text
    _anna, payment, _link = buy(stack, sql, "fake")
    sql("update payments set amount = amount + 1 where id = %s", payment)
    wrong = ask(boss, "/check")
    assert re.search(rf"\b{payment}: the amount differs from the charge", wrong.text)
    assert labels(wrong) == [[f"{NUMBER[language]}{payment}"]]


def test_other_users_have_no_refund_commands(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    appoint("en")
    anna, payment, _link = buy(stack, sql, "fake")
    for command in ("refund", "payment", "check"):
        assert says(ask(anna, f"/{command} {payment}").text, "unknown_command")
    assert "Your payments" in ask(anna, f"/payments {anna.id}").text
    shown = anna.answers()[-1]
    for data in (
        f"admin:refund:{payment}",
        f"admin:payment:{payment}",
        f"admin:refund_yes:{payment}:149:149",
    ):
        assert says(anna.tap(shown.stored, data).answer(20)["text"], "button_old")
    assert refunds_of(sql, payment) == []


def test_during_a_database_outage_no_refund_is_half_done(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    _anna, payment, _link = buy(stack, sql, "fake")
    boss = appoint("en").chat("assistant")
    question = ask(boss, f"/refund {payment}")
    stack.database.down()
    yes = next(label for row in labels(question) for label in row if "Yes" in label)
    tapped = question.tap(yes)
    stack.database.up()
    # Telegram redelivers the update, or the admin was asked to retry: never half a refund.
    tapped.wait(timeout=60)
    eventually(lambda: refunds_of(sql, payment) in ([], ["done"]), 30)
    assert sql("select * from check_payments()") == []


def test_stars_of_an_erased_user_are_refunded(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    anna, payment, _link = buy(stack, sql, "telegram_stars")
    boss = appoint("en").chat("assistant")
    question = ask(boss, f"/refund {payment}")
    sure = ask(anna, "/deleteme")
    sure.tap(labels(sure)[0][0]).wait()
    sure = sure.wait_for_edit()
    sure.tap(labels(sure)[0][0]).wait()
    eventually(lambda: not sql("select 1 as x from users where telegram_id = %s", anna.id), 30)

    assert tap_yes(question).text.startswith("✅ Refunded ")

    assert refunds_of(sql, payment) == ["done"]
    assert given_back(sql, payment) == 100
    (claims,) = sql("select claims ->> 'telegram_id' as payer from payments where id = %s", payment)
    assert claims["payer"] == "0"
    assert not sql("select 1 as x from payment_events where strpos(body, %s) > 0", str(anna.id))


# To the balance --------------------------------------------------------------------------------------------


def buy_from_balance(stack: Stack, sql: Sql) -> tuple[Chat, int]:
    """Buy 100 requests from the balance; return the chat and the id of the payment."""
    anna = speaks(stack)
    sql("select adjust_balance(%s, 149, 'gift', %s)", anna.id, f"gift:{anna.id}")
    anna.send("/buy")
    page = tap_and_read(tap_and_read(anna.answer(), "100 requests"), "Balance ·")
    assert "Balance: 0" in tap_and_read(page, "Pay").text
    return anna, payment_of(sql, anna)


def balance(sql: Sql, chat: Chat) -> float:
    return float(sql("select balance from users where telegram_id = %s", chat.id)[0]["balance"])


def test_a_payment_from_balance_is_refunded_to_it_at_once(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    anna, payment = buy_from_balance(stack, sql)
    boss = appoint("en").chat("assistant")
    question = ask(boss, f"/refund {payment} 49.67")
    assert question.text.startswith("↩️ Refund ")
    assert tap_yes(question).text.startswith("✅ Refunded ")
    news(anna, "the part of the purchase it paid for")
    assert (balance(sql, anna), credits(sql, anna)) == (49.67, 67)

    assert tap_yes(ask(boss, f"/refund {payment}")).text.startswith("✅ Refunded ")

    news(anna, "to your bot balance and canceled the purchase")
    assert (balance(sql, anna), credits(sql, anna)) == (149, 0)
    assert refunds_of(sql, payment) == ["done", "done"]
    assert sql("select * from check_payments()") == []


def test_a_buyer_who_erased_their_data_has_no_balance_to_refund_to(
    stack: Stack, appoint: Appoint, sql: Sql
) -> None:
    anna, payment = buy_from_balance(stack, sql)
    question = ask(boss := appoint("en").chat("assistant"), f"/refund {payment}")
    sql("delete from users where telegram_id = %s", anna.id)
    assert "nothing was refunded" in tap_yes(question).text
    assert "there’s no balance" in ask(boss, f"/refund {payment}").text
    assert refunds_of(sql, payment) == []


def test_a_payment_in_another_currency_is_not_refunded_to_balance(
    stack: Stack, appoint: Appoint, sql: Sql
) -> None:
    _, payment = buy_from_balance(stack, sql)
    question = ask(boss := appoint("en").chat("assistant"), f"/refund {payment}")
    sql("update private.settings set value = '\"USD\"' where key = 'balance_currency'")
    assert "nothing was refunded" in tap_yes(question).text
    assert "another currency" in ask(boss, f"/refund {payment}").text
    assert refunds_of(sql, payment) == []
