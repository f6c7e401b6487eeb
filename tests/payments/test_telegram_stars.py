"""Telegram Stars: links, updates, refunds, renewals, the list of transactions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from shared.payments.events import EventKind
from shared.payments.provider import InvalidPayload, InvalidSignature, PaymentError, WebhookRequest
from shared.payments.providers import load, telegram_stars
from shared.payments.providers.telegram_stars import parse_update, transactions
from tests.payments.orders import TIMEOUT, order
from tools.emulator.telegram import Chat, Telegram
from tools.emulator.web import HttpServer, Request, Response, json_response

Json = dict[str, Any]
PAID: Json = {
    "update_id": 10002,
    "message": {
        "message_id": 77,
        "from": {"id": 1111, "is_bot": False, "first_name": "A"},
        "chat": {"id": 1111, "type": "private"},
        "date": 1767225600,
        "successful_payment": {
            "currency": "XTR",
            "total_amount": 250,
            "invoice_payload": "42",
            "telegram_payment_charge_id": "stxAbC-_=",
            "provider_payment_charge_id": "1111_0",
        },
    },
}
REFUNDED: Json = {
    "update_id": 10003,
    "message": {
        "message_id": 80,
        "chat": {"id": 1111, "type": "private"},
        "date": 1767312000,
        "refunded_payment": {
            "currency": "XTR",
            "total_amount": 250,
            "invoice_payload": "42",
            "telegram_payment_charge_id": "stxAbC-_=",
        },
    },
}
CHANGED: Json = {
    "update_id": 10004,
    "subscription": {
        "user": {"id": 1111, "is_bot": False, "first_name": "A"},
        "invoice_payload": "42",
        "state": "canceled",
    },
}


class Shop:
    """A bot that accepts every payment and keeps its updates."""

    def __init__(self) -> None:
        self.updates: list[Json] = []
        self.server = HttpServer(self.handle)
        self.telegram = Telegram(("assistant", "second"), retry_scale=0.01)

    def handle(self, request: Request) -> Response:
        if request.path.startswith("/bot"):
            return self.telegram.handle(request)
        update = request.json()
        self.updates.append(update)
        query = update.get("pre_checkout_query")
        if query is None:
            return Response(200)
        return json_response(
            {"method": "answerPreCheckoutQuery", "pre_checkout_query_id": query["id"], "ok": True}
        )

    def payment_events(self) -> list[Json]:
        assert self.telegram.idle(20)
        events = [parse_update(update) for update in self.updates]
        return [
            payment_event.to_json()
            for event in events
            if event is not None
            for payment_event in event.payment_events
        ]


@pytest.fixture
def shop(environment: Callable[..., None]) -> Iterator[Shop]:
    shop = Shop()
    shop.server.start()
    tokens = {name: bot.token for name, bot in shop.telegram.state.bots.items()}
    for name in tokens:
        url = f"{shop.server.url}/webhook/{name}"
        shop.telegram.request(name, "setWebhook", {"url": url, "secret_token": "s"})
    environment(TELEGRAM_API_URL=shop.server.url, BOT_TOKENS=json.dumps(tokens))
    yield shop
    shop.telegram.stop()
    shop.server.stop()


@pytest.fixture
def provider() -> Any:
    return load("telegram_stars")


@pytest.fixture
def chat(shop: Shop) -> Chat:
    return shop.telegram.user("Anna").chat("assistant")


def stars(amount: int = 250, **changed: Any) -> Any:
    return order(currency="XTR", amount=Decimal(amount), **changed)


# Updates.


def test_the_key_of_a_payment_is_its_charge() -> None:
    event = parse_update(PAID)
    assert event is not None
    assert (event.key, event.type) == ("payment:stxAbC-_=", "successful_payment")
    assert [payment_event.to_json() for payment_event in event.payment_events] == [
        {
            "kind": "paid",
            "payment_id": "stxAbC-_=",
            "order_id": 42,
            "amount": "250",
            "currency": "XTR",
            "telegram_id": 1111,
            "happened_at": "2026-01-01T00:00:00+00:00",
        }
    ]
    again = parse_update(PAID | {"update_id": 99})
    assert again is not None
    assert again.key == event.key, "numbering of updates may start anew, charges do not"


def test_a_period_of_a_subscription_has_its_end() -> None:
    payment = PAID["message"]["successful_payment"] | {
        "subscription_expiration_date": 1769817600,
        "is_recurring": True,
    }
    event = parse_update({"update_id": 1, "message": PAID["message"] | {"successful_payment": payment}})
    assert event is not None
    payment_event = event.payment_events[0].to_json()
    assert (payment_event["subscription_id"], payment_event["period_ends_at"]) == (
        "42",
        "2026-01-31T00:00:00+00:00",
    )


def test_a_refund_is_total_and_needs_no_sender() -> None:
    event = parse_update(REFUNDED)
    assert event is not None
    assert event.key == "refund:stxAbC-_="
    assert event.payment_events[0].to_json() == {
        "kind": "refunded",
        "payment_id": "stxAbC-_=",
        "order_id": 42,
        "operation_id": "stxAbC-_=:refund",
        "amount": "250",
        "currency": "XTR",
        "is_total": True,
        "telegram_id": 1111,
        "happened_at": "2026-01-02T00:00:00+00:00",
    }


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("canceled", EventKind.SUBSCRIPTION_CANCELED),
        ("active", EventKind.SUBSCRIPTION_ACTIVE),
        ("failed", EventKind.SUBSCRIPTION_PAST_DUE),
        ("paused", EventKind.OTHER),
    ],
)
def test_states_of_a_subscription_are_parsed(state: str, kind: EventKind) -> None:
    event = parse_update({"update_id": 5, "subscription": CHANGED["subscription"] | {"state": state}})
    assert event is not None
    assert event.key == f"subscription:42:{state}:5"
    assert event.payment_events[0].kind is kind
    assert event.payment_events[0].subscription_id == "42"


def test_a_payment_in_another_currency_keeps_it() -> None:
    payment = PAID["message"]["successful_payment"] | {"currency": "RUB", "total_amount": 129900}
    event = parse_update({"update_id": 1, "message": PAID["message"] | {"successful_payment": payment}})
    assert event is not None
    assert event.payment_events[0].currency == "RUB"


@pytest.mark.parametrize("payload", ["order-42", "", "4 2", "9" * 40])
def test_a_foreign_payload_gives_a_payment_without_an_order(payload: str) -> None:
    payment = PAID["message"]["successful_payment"] | {"invoice_payload": payload}
    event = parse_update({"update_id": 1, "message": PAID["message"] | {"successful_payment": payment}})
    assert event is not None
    assert event.payment_events[0].order_id is None


@pytest.mark.parametrize(
    "update",
    [
        {},
        {"update_id": 1, "message": {"text": "hi"}},
        {"update_id": 1, "message": None},
        {"update_id": 1, "pre_checkout_query": {"id": "1"}},
        {"update_id": 1, "callback_query": {"message": PAID["message"]}},
    ],
)
def test_other_updates_are_not_payments(update: Json) -> None:
    assert parse_update(update) is None


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else ()
    return [path, *(place for name, one in inside for place in places(one, (*path, name)))]


def replaced(value: Any, path: tuple[Any, ...], by: Any) -> Any:
    return by if not path else {**value, path[0]: replaced(value[path[0]], path[1:], by)}


@given(st.data())
@given_settings(max_examples=300, deadline=None)
def test_an_update_with_any_value_anywhere_is_parsed_or_invalid(data: st.DataObject) -> None:
    update = data.draw(st.sampled_from([PAID, REFUNDED, CHANGED]))
    path = data.draw(st.sampled_from([place for place in places(update) if place]))
    odd = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just([])
    try:
        event = parse_update(replaced(update, path, data.draw(odd)))
    except InvalidPayload:
        return
    for payment_event in event.payment_events if event else ():
        assert payment_event.kind is not EventKind.PAID or (
            payment_event.amount is not None and payment_event.payment_id
        )


def test_webhooks_are_rejected(provider: Any) -> None:
    assert not provider.WEBHOOK_KINDS
    call = WebhookRequest("", "POST", {}, json.dumps(PAID).encode())
    with pytest.raises(InvalidSignature):
        provider.verify(call)
    with pytest.raises(InvalidPayload):
        provider.parse(call)


# With the emulator's Telegram.


def test_a_link_is_paid_and_reported(shop: Shop, chat: Chat, provider: Any) -> None:
    made = stars(title="Премиум на месяц", description="1000 запросов в день, 30 дней")
    checkout = provider.create(made, TIMEOUT)
    assert checkout.url.startswith("https://t.me/")
    payment = chat.pay(checkout.url).wait()
    (paid,) = shop.payment_events()
    assert (paid["payment_id"], paid["order_id"], paid["amount"], paid["telegram_id"]) == (
        payment.charge_id,
        made.id,
        "250",
        chat.user.id,
    )


@pytest.mark.parametrize("amount", ["0.5", "0", "-1", "1.5"])
def test_stars_are_whole_numbers(shop: Shop, provider: Any, amount: str) -> None:
    with pytest.raises(PaymentError) as refused:
        provider.create(order(currency="XTR", amount=Decimal(amount)), TIMEOUT)
    assert refused.value.not_executed


def test_a_refusal_is_not_executed_and_no_answer_leaves_the_outcome_open(shop: Shop, provider: Any) -> None:
    with pytest.raises(PaymentError) as refused:
        provider.create(stars(10_001, period="month"), TIMEOUT)
    assert refused.value.not_executed
    shop.telegram.fail("createInvoiceLink", 500)
    with pytest.raises(PaymentError) as failed:
        provider.create(stars(), TIMEOUT)
    assert not failed.value.not_executed
    shop.telegram.fail("createInvoiceLink", timeout=True)
    with pytest.raises(PaymentError) as silent:
        provider.create(stars(), 0.3)
    assert not silent.value.not_executed
    assert shop.telegram.bot("assistant").token not in str(silent.value)


def test_the_selling_bot_refunds_once(shop: Shop, provider: Any) -> None:
    anna = shop.telegram.user("Anna").chat("second")
    payment = anna.pay(provider.create(stars(bot="second"), TIMEOUT).url).wait()
    back: Json = {"key": "r", "telegram_id": anna.user.id, "timeout": TIMEOUT}

    first = provider.refund(payment.charge_id, Decimal(250), "XTR", **back)
    second = provider.refund(payment.charge_id, Decimal(250), "XTR", **back)

    assert first == second
    event = shop.payment_events()[1]
    assert (event["kind"], event["operation_id"]) == ("refunded", first.operation_id)
    assert event["is_total"]


def test_an_erased_payer_is_refunded_and_not_stored(shop: Shop, provider: Any) -> None:
    anna = shop.telegram.user("Anna").chat("second")
    payment = anna.pay(provider.create(stars(bot="second"), TIMEOUT).url).wait()
    back: Json = {"key": "r", "telegram_id": 0, "timeout": TIMEOUT}
    result = provider.refund(payment.charge_id, Decimal(250), "XTR", **back)
    assert (result.kind, result.telegram_id) == (EventKind.REFUNDED, None)
    assert shop.payment_events()[1]["kind"] == "refunded"
    with pytest.raises(PaymentError, match="erased") as refused:
        provider.refund("stxnone", Decimal(1), "XTR", **back)
    assert refused.value.not_executed


def test_an_unknown_charge_is_not_executed_and_an_outage_leaves_the_outcome_open(
    shop: Shop, provider: Any
) -> None:
    back: Json = {"key": "r", "telegram_id": 5, "timeout": TIMEOUT}
    with pytest.raises(PaymentError, match="CHARGE_NOT_FOUND") as unknown:
        provider.refund("stxnone", Decimal(1), "XTR", **back)
    assert unknown.value.not_executed
    shop.telegram.fail("refundStarPayment", 502)
    with pytest.raises(PaymentError) as failed:
        provider.refund("stxnone", Decimal(1), "XTR", **back)
    assert not failed.value.not_executed


def test_a_subscription_is_canceled_with_or_without_a_charge(shop: Shop, chat: Chat, provider: Any) -> None:
    made = stars(period="month")
    payment = chat.pay(provider.create(made, TIMEOUT).url).wait()
    (subscription,) = chat.subscriptions
    shop.telegram.stars.renew(subscription)
    first, second = shop.payment_events()
    assert first["subscription_id"] == second["subscription_id"] == str(made.id)
    assert second["period_ends_at"] > first["period_ends_at"]

    provider.cancel_subscription(str(made.id), chat.user.id, TIMEOUT, payment_id=payment.charge_id)
    assert subscription.state == "canceled"
    subscription.state = "active"
    provider.cancel_subscription(str(made.id), chat.user.id, TIMEOUT)
    assert subscription.state == "canceled"
    subscription.state = "active"
    provider.cancel_subscription(str(made.id), 0, TIMEOUT)  # the payer is erased: Telegram's list has them
    assert subscription.state == "canceled"
    with pytest.raises(PaymentError) as unknown:
        provider.cancel_subscription("999999", chat.user.id, TIMEOUT)
    assert unknown.value.not_executed


def test_transactions_are_read_page_by_page(
    shop: Shop, chat: Chat, provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telegram_stars, "PAGE", 2)
    made = [stars(amount) for amount in (1, 2, 3)]
    charges = [chat.pay(provider.create(one, TIMEOUT).url).wait().charge_id for one in made]
    provider.refund(charges[1], Decimal(2), "XTR", key="r", telegram_id=chat.user.id, timeout=TIMEOUT)

    events, offset = [], 0
    while True:
        page, count = transactions("assistant", offset, TIMEOUT)
        events += page
        offset += count
        if not count:
            break
    assert [(one.kind, one.payment_id, one.order_id) for one in events] == [
        (EventKind.PAID, charges[0], made[0].id),
        (EventKind.PAID, charges[1], made[1].id),
        (EventKind.PAID, charges[2], made[2].id),
        (EventKind.REFUNDED, charges[1], made[1].id),
    ]
    assert events[3].operation_id == f"{charges[1]}:refund"


@pytest.mark.parametrize("others", [0, 1, 99, 100, 101, 250])
def test_an_erased_payer_is_found_among_the_newest_transactions(
    shop: Shop, chat: Chat, provider: Any, others: int
) -> None:
    for number in range(others):
        shop.telegram.stars.answer_seconds = 30
        invoice = stars_invoice(shop, f"other-{number}")
        shop.telegram.stars._charge(invoice, chat.user)
    payment = chat.pay(provider.create(stars(), TIMEOUT).url).wait()
    payment_event = provider.refund(
        payment.charge_id, Decimal(250), "XTR", key="r", telegram_id=0, timeout=TIMEOUT
    )
    assert (payment_event.kind, payment_event.payment_id, payment_event.telegram_id) == (
        EventKind.REFUNDED,
        payment.charge_id,
        None,
    )


def stars_invoice(shop: Shop, payload: str) -> Any:
    asked = {
        "title": "t",
        "description": "d",
        "payload": payload,
        "currency": "XTR",
        "prices": [{"label": "t", "amount": 1}],
    }
    return shop.telegram.stars.links[shop.telegram.request("assistant", "createInvoiceLink", asked)]


@pytest.mark.parametrize(
    ("listed", "affiliate", "gross", "fee"),
    [
        ({"amount": 95}, {"amount": 5}, "100", "5"),
        (
            {"amount": 9, "nanostar_amount": 670_000_000},
            {"amount": 0, "nanostar_amount": 330_000_000},
            "10",
            "0.33",
        ),
        ({"amount": 100}, None, "100", None),
        ({"amount": 10}, {"amount": 0}, "10", None),
    ],
)
@pytest.mark.parametrize("is_refund", [False, True])
def test_an_affiliate_commission_is_part_of_the_amount_paid(
    listed: dict[str, int], affiliate: dict[str, int] | None, gross: str, fee: str | None, is_refund: bool
) -> None:
    partner: dict[str, Any] = {"type": "user", "transaction_type": "invoice_payment", "user": {"id": 1}}
    partner["invoice_payload"] = "7"
    if affiliate is not None:
        sign = -1 if is_refund else 1
        partner["affiliate"] = {name: sign * value for name, value in affiliate.items()}
    side = "receiver" if is_refund else "source"
    payment_event = telegram_stars._listed({"id": "1", "date": 1767225600, side: partner, **listed})
    assert payment_event is not None
    assert (payment_event.amount, payment_event.fee) == (
        Decimal(gross),
        None if fee is None else Decimal(fee),
    )


@pytest.mark.parametrize("page", [1, 2, 100])
def test_a_day_of_all_bots_is_listed(
    shop: Shop, chat: Chat, provider: Any, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(telegram_stars, "PAGE", page)
    charges = [chat.pay(provider.create(stars(n), TIMEOUT).url).wait().charge_id for n in (1, 2, 3, 4, 5)]
    day = datetime(2026, 1, 10, tzinfo=UTC)
    seconds = [-1, 0, 43_200, 86_399, 86_400]  # only the middle three are of this day
    for place, second in enumerate(seconds):
        listed = shop.telegram.stars._transactions["assistant"][place]
        listed["date"] = int(day.timestamp()) + second
    found, cursor = [], ""
    while True:
        read = provider.statement(day, day + timedelta(days=1), cursor, TIMEOUT)
        found += [event.key for event in read.events]
        cursor = read.cursor
        if not cursor:
            break
    assert found == [f"payment:{charge}" for charge in charges[1:4]]
    asked = [call for call in shop.telegram.calls if call["method"] == "getStarTransactions"]
    if page == 100:  # a short list is read with one request, without a search for the day's beginning
        assert len(asked) == len({call["bot"] for call in asked})


def test_transactions_that_are_not_sales_are_skipped(environment: Callable[..., None]) -> None:
    sale = {"type": "user", "transaction_type": "invoice_payment", "user": {"id": 1}, "invoice_payload": "7"}
    found = [
        {"id": "1", "amount": 5, "date": 1767225600, "source": sale},
        {"id": "2", "amount": 5, "date": 1767225600, "source": sale | {"transaction_type": "gift_purchase"}},
        {"id": "3", "amount": 5, "date": 1767225600, "receiver": {"type": "fragment"}},
        {"id": "4", "amount": 5, "date": 1767225600},
        {"id": "5", "amount": "x", "date": 1767225600, "source": sale},
        "what",
    ]
    server = HttpServer(lambda _request: json_response({"ok": True, "result": {"transactions": found}}))
    server.start()
    environment(TELEGRAM_API_URL=server.url)
    page, count = transactions("assistant", 0, TIMEOUT)
    server.stop()
    assert count == 6
    assert [(one.payment_id, one.order_id) for one in page] == [("1", 7)]
