"""Stars: the question before the money, the charge, what the bot can do with it afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.tools.emulator.receiving import Receiver
from tools.emulator.telegram import Chat, Telegram
from tools.emulator.telegram.errors import ApiError
from tools.emulator.web import Response, json_response

Json = dict[str, Any]
INVOICE = {
    "title": "A month",
    "description": "Premium for 30 days",
    "payload": "42",
    "currency": "XTR",
    "provider_token": "",
    "prices": [{"label": "A month", "amount": 250}],
}


def call(telegram: Telegram, method: str, **parameters: Any) -> Any:
    return telegram.request("assistant", method, parameters)


def link(telegram: Telegram, **more: Any) -> str:
    return str(call(telegram, "createInvoiceLink", **{**INVOICE, **more}))


def agreeing(receiver: Receiver, **answer: Any) -> None:
    """The bot answers every question in the webhook's response, as ours does."""

    def respond(update: Json) -> Response:
        query = update.get("pre_checkout_query")
        if query is None:
            return Response(200)
        method = {"method": "answerPreCheckoutQuery", "pre_checkout_query_id": query["id"], "ok": True}
        return json_response({**method, **answer})

    receiver.answer = respond


def of_kind(receiver: Receiver, kind: str) -> list[Json]:
    return [update for update in receiver.updates if kind in update]


def payments(receiver: Receiver, kind: str = "successful_payment") -> list[Json]:
    return [
        update["message"][kind]
        for update in receiver.updates
        if "message" in update and kind in update["message"]
    ]


def test_an_invoice_in_the_chat_has_a_pre_checkout_and_a_payment(
    receiver: Receiver, telegram: Telegram, chat: Chat
) -> None:
    agreeing(receiver)
    chat.send("/buy").wait()
    call(telegram, "sendInvoice", chat_id=chat.id, **INVOICE)
    invoice = chat.answer()
    assert invoice.data["invoice"] == {
        "title": "A month",
        "description": "Premium for 30 days",
        "start_parameter": "",
        "currency": "XTR",
        "total_amount": 250,
    }

    payment = chat.pay(invoice).wait()

    assert telegram.idle(20)
    asked = of_kind(receiver, "pre_checkout_query")[0]["pre_checkout_query"]
    assert (asked["invoice_payload"], asked["total_amount"], asked["currency"]) == ("42", 250, "XTR")
    assert asked["from"]["id"] == chat.user.id
    (paid,) = payments(receiver)
    assert paid["telegram_payment_charge_id"] == payment.charge_id
    assert "is_recurring" not in paid


def test_a_link_can_be_paid_more_than_once_and_by_others(
    receiver: Receiver, telegram: Telegram, chat: Chat
) -> None:
    agreeing(receiver)
    url = link(telegram)
    first, second = chat.pay(url).wait(), chat.pay(url).wait()
    third = telegram.user("Boris").chat("assistant").pay(url).wait()

    assert len({first.charge_id, second.charge_id, third.charge_id}) == 3
    assert call(telegram, "getMyStarBalance") == {"amount": 750}


def test_a_refusal_reaches_the_payer_and_takes_nothing(
    receiver: Receiver, telegram: Telegram, chat: Chat
) -> None:
    agreeing(receiver, ok=False, error_message="It is not for sale any more.")
    payment = chat.pay(link(telegram)).wait("refused")

    assert payment.error == "It is not for sale any more."
    assert telegram.idle(20)
    assert payments(receiver) == []
    assert call(telegram, "getMyStarBalance") == {"amount": 0}


def test_without_an_answer_in_time_nothing_is_taken(
    receiver: Receiver, telegram: Telegram, chat: Chat
) -> None:
    telegram.stars.answer_seconds = 0.2
    payment = chat.pay(link(telegram)).wait("unanswered")

    assert telegram.idle(20)
    with pytest.raises(ApiError, match="query is too old"):
        call(
            telegram,
            "answerPreCheckoutQuery",
            pre_checkout_query_id=payment.purchase.query_id,
            ok=True,
        )
    assert payments(receiver) == []


def test_a_question_is_answered_once_and_by_its_own_bot(telegram: Telegram, chat: Chat) -> None:
    telegram.add_bot("second")
    payment = chat.pay(link(telegram))
    answer = {"pre_checkout_query_id": payment.purchase.query_id, "ok": True}
    with pytest.raises(ApiError, match="query is too old"):
        telegram.request("second", "answerPreCheckoutQuery", answer)
    assert telegram.request("assistant", "answerPreCheckoutQuery", answer) is True
    with pytest.raises(ApiError, match="query is too old"):
        telegram.request("assistant", "answerPreCheckoutQuery", answer)


def test_a_refusal_needs_a_reason(telegram: Telegram, chat: Chat) -> None:
    payment = chat.pay(link(telegram))
    with pytest.raises(ApiError, match="error message"):
        call(telegram, "answerPreCheckoutQuery", pre_checkout_query_id=payment.purchase.query_id, ok=False)


def test_a_question_does_not_wait_for_a_message_of_its_chat(
    receiver: Receiver, telegram: Telegram, chat: Chat
) -> None:
    agreeing(receiver)
    agree, gate = receiver.answer, threading.Event()

    def slow(update: Json) -> Response:
        if "text" in update.get("message", {}):
            gate.wait(20)
        return agree(update)

    receiver.answer = slow
    chat.send("a slow one")
    chat.pay(link(telegram)).wait()
    gate.set()
    assert telegram.idle(20)


def test_a_payment_is_refunded_once(receiver: Receiver, telegram: Telegram, chat: Chat) -> None:
    agreeing(receiver)
    payment = chat.pay(link(telegram)).wait()
    refund = {"user_id": chat.user.id, "telegram_payment_charge_id": payment.charge_id}

    assert call(telegram, "refundStarPayment", **refund) is True
    with pytest.raises(ApiError, match="CHARGE_ALREADY_REFUNDED"):
        call(telegram, "refundStarPayment", **refund)
    with pytest.raises(ApiError, match="CHARGE_NOT_FOUND"):
        call(telegram, "refundStarPayment", **{**refund, "user_id": chat.user.id + 1})

    assert telegram.idle(20)
    (back,) = payments(receiver, "refunded_payment")
    assert back == {
        "currency": "XTR",
        "total_amount": 250,
        "invoice_payload": "42",
        "telegram_payment_charge_id": payment.charge_id,
    }
    found = call(telegram, "getStarTransactions")["transactions"]
    assert [(one["id"], "source" in one) for one in found] == [
        (payment.charge_id, True),
        (payment.charge_id, False),
    ]
    assert call(telegram, "getStarTransactions", offset=1, limit=1)["transactions"] == found[1:]
    assert call(telegram, "getMyStarBalance") == {"amount": 0}


def test_a_subscription_renews_fails_is_canceled_and_resumed(
    receiver: Receiver, telegram: Telegram, chat: Chat
) -> None:
    agreeing(receiver)
    payment = chat.pay(link(telegram, subscription_period=2_592_000)).wait()
    (subscription,) = chat.subscriptions
    telegram.stars.renew(subscription)
    telegram.stars.change(subscription, "canceled")
    telegram.stars.change(subscription, "active")
    telegram.stars.change(subscription, "failed")

    assert telegram.idle(20)
    first, next_one = payments(receiver)
    assert first["is_first_recurring"] and first["is_recurring"] and next_one["is_recurring"]
    assert "is_first_recurring" not in next_one
    assert next_one["subscription_expiration_date"] == first["subscription_expiration_date"] + 2_592_000
    assert [one["subscription"]["state"] for one in of_kind(receiver, "subscription")] == [
        "canceled",
        "active",
        "failed",
    ]
    assert of_kind(receiver, "subscription")[0]["subscription"]["invoice_payload"] == "42"

    stop = {"user_id": chat.user.id, "telegram_payment_charge_id": payment.charge_id, "is_canceled": True}
    assert call(telegram, "editUserStarSubscription", **stop) is True
    assert subscription.state == "canceled"
    with pytest.raises(ApiError, match="CHARGE_NOT_FOUND"):
        call(telegram, "editUserStarSubscription", **{**stop, "telegram_payment_charge_id": "stxnone"})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"title": ""}, "title"),
        ({"title": "t" * 33}, "title"),
        ({"description": "d" * 256}, "description"),
        ({"payload": ""}, 'parameter "payload" is required'),
        ({"payload": "щ" * 65}, "INVOICE_PAYLOAD_INVALID"),
        ({"currency": "RUB"}, "PAYMENT_PROVIDER_INVALID"),
        ({"prices": []}, "STARS_INVOICE_INVALID"),
        ({"prices": [{"label": "a", "amount": 1}, {"label": "b", "amount": 1}]}, "STARS_INVOICE_INVALID"),
        ({"prices": [{"label": "a", "amount": 0}]}, "STARS_INVOICE_INVALID"),
        ({"prices": [{"label": "a", "amount": 1.5}]}, "STARS_INVOICE_INVALID"),
        ({"provider_token": "123:TEST:abc"}, "STARS_INVOICE_INVALID"),
        ({"subscription_period": 86_400}, "SUBSCRIPTION_PERIOD_INVALID"),
        (
            {"subscription_period": 2_592_000, "prices": [{"label": "a", "amount": 10_001}]},
            "STARS_AMOUNT_INVALID",
        ),
    ],
)
def test_an_invalid_invoice_is_refused(telegram: Telegram, change: Json, words: str) -> None:
    with pytest.raises(ApiError, match=words):
        link(telegram, **change)


def test_only_a_link_can_be_a_subscription(telegram: Telegram, chat: Chat) -> None:
    chat.send("/buy")
    with pytest.raises(ApiError, match="SUBSCRIPTION_PERIOD_INVALID"):
        call(telegram, "sendInvoice", chat_id=chat.id, subscription_period=2_592_000, **INVOICE)


@pytest.mark.parametrize("asked", [{"limit": 0}, {"limit": 101}, {"offset": -1}])
def test_transactions_come_a_hundred_at_a_time(telegram: Telegram, asked: Json) -> None:
    with pytest.raises(ApiError, match="offset or limit"):
        call(telegram, "getStarTransactions", **asked)


def test_a_link_without_an_invoice_cannot_be_paid(telegram: Telegram, chat: Chat) -> None:
    pay: Callable[[str], Any] = chat.pay
    with pytest.raises(AssertionError, match="no invoice"):
        pay("https://t.me/$nothing")
