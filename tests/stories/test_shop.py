"""Screens of the shop: at most five buttons, a back button, one currency, one order, one price."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from shared.features.common.catalog import PaymentOption
from shared.features.shop.screens import by_button
from shared.payments import providers
from tests.stories.test_buy import LABELS, LABELS_RU, link_of, speaks, tap
from tests.stories.test_receipt_contact import ask, orders
from tests.support import eventually
from tools.emulator.stack import Stack
from tools.emulator.telegram import Answer, Chat

Sql = Callable[..., list[dict[str, Any]]]
SHOP = {"en": "What would you like to buy?", "ru": "Что хотите купить?"}
LEAVES = ("pay:", "menu", "trial")  # buttons that leave the shop's screens


def labels(answer: Answer) -> list[str]:
    return [button.text for row in answer.buttons for button in row]


def callback_data(answer: Answer) -> list[str]:
    return [button.data for row in answer.buttons for button in row if button.data]


def press(chat: Chat, answer: Answer, data: str) -> Answer:
    chat.tap(answer.stored, data).wait()
    return answer


def screens(chat: Chat) -> Iterator[tuple[str, Answer]]:
    """Tap through every screen of the shop in one message."""
    shop, seen, to_visit = ask(chat, "/buy"), {"buy"}, ["buy"]
    while to_visit:
        data = to_visit.pop()
        press(chat, shop, data)
        yield data, shop
        new = [one for one in callback_data(shop) if one not in seen and not one.startswith(LEAVES)]
        seen.update(new)
        to_visit += new


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_screen_has_five_buttons_at_most_and_a_way_back(stack: Stack, sql: Sql, language: str) -> None:
    anna = speaks(stack, language)
    sql("select adjust_balance(%s, 200, 'gift', %s)", anna.id, f"gift:{anna.id}")
    visited = {}
    for data, screen in screens(anna):
        visited[data] = labels(screen)
        assert len(visited[data]) <= 5, (data, visited[data])
        assert visited[data][-1].startswith("‹"), (data, visited[data])
        assert all(len(label) <= 40 for label in visited[data]), "a label that a phone cuts"
    expected = "buy shop:plan.PREMIUM buy:premium_year auto:premium_month once:premium_month card:credits_100"
    assert {*expected.split(), "bal:credits_100", "currency:RUB", "currency:USD"} <= set(visited)
    assert len(anna.answers()) == 2, "the welcome and one message for all the screens"


def test_a_long_list_has_pages(stack: Stack, sql: Sql) -> None:
    for number in range(7):
        sql(
            "insert into products (key, kind, quantity, texts, position, is_active) "
            "values (%s, 'credits', 7, %s::jsonb, 60, true)",
            f"pack_{number}",
            f'{{"en": {{"title": "Pack {number}"}}}}',
        )
        sql("insert into product_prices values (%s, 'USD', 7)", f"pack_{number}")
    anna = speaks(stack)
    found: list[str] = []
    pages: list[tuple[str, list[str]]] = []
    for data, screen in screens(anna):
        assert len(labels(screen)) <= 5
        if data.startswith("shop:credits"):
            pages.append((data, [one for one in callback_data(screen) if "pack" not in one]))
        found += [one for one in callback_data(screen) if one.startswith("buy:pack_")]
    assert set(found) == {f"buy:pack_{number}" for number in range(7)}
    assert len(found) == 7, "each product is on one page"
    ways = {data: [one for one in found if "buy:" not in one] for data, found in pages}
    assert ways == {
        "shop:credits": ["shop:credits@1", "buy"],
        "shop:credits@1": ["shop:credits@2", "shop:credits"],
        "shop:credits@2": ["shop:credits@1"],
    }, "the last page leads back and not to the first one again"
    press(anna, screen, "shop:credits@9")
    assert callback_data(screen)[-1] == "shop:credits@1", "a page that is gone by now is the last one"


@pytest.mark.parametrize(("language", "first", "then"), [("en", "$5.99", "499"), ("ru", "499", "5,99")])
def test_one_tap_changes_and_stores_the_currency(
    stack: Stack, sql: Sql, language: str, first: str, then: str
) -> None:
    anna = speaks(stack, language)
    shop = ask(anna, "/buy")
    assert first in labels(shop)[0]
    shop = tap(shop, {"en": "Show prices in RUB", "ru": "Показать цены в USD"}[language])
    assert then in labels(shop)[0]
    assert then in labels(ask(anna, "/buy"))[0]
    (row,) = sql("select price_currency from users where telegram_id = %s", anna.id)
    assert row["price_currency"] == {"en": "RUB", "ru": "USD"}[language]
    press(anna, shop, "currency:XXX")
    assert then in labels(shop)[0], "a currency that nothing is sold in changes nothing"


def test_an_update_reads_the_products_once(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    shop = ask(anna, "/buy")
    for data in ("buy:credits_100", "buy:premium_month", "once:premium_month", "currency:RUB", "buy"):
        read: list[str] = []
        stack.database.on("products_for_sale", "before", partial(read.append, data), times=3)
        press(anna, shop, data)
        stack.database.clear()
        assert read == [data]


def test_with_stars_alone_three_taps_lead_to_the_payment(stack: Stack, sql: Sql) -> None:
    sql("update products set is_active = false where key <> 'premium_month'")
    stars = ("STRIPE_SECRET_KEY", "YOOKASSA_SHOP_ID", "CLOUDPAYMENTS_PUBLIC_ID", "PRODAMUS_URL",
             "CRYPTO_PAY_TOKEN", "ENVIRONMENT")  # fmt: skip
    with stack.settings("telegram", **dict.fromkeys(stars, "")):
        anna = speaks(stack)
        shop = ask(anna, "/buy")
        assert all("⭐" in label for label in labels(shop) if "Premium" in label)
        assert not any("prices in" in label for label in labels(shop))
        page = tap(tap(shop, "Premium for a month"), "Pay once")
        assert "Total: 350\u00a0⭐" in page.text
        assert link_of(page)
        assert labels(tap(page, "Back"))[:2] == [
            "Pay once · 350\u00a0⭐", "Auto-renew · 350\u00a0⭐/month",
        ]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("provider", [*LABELS, "telegram_stars"])
def test_the_price_on_the_button_is_the_price_that_is_charged(
    stack: Stack, sql: Sql, provider: str, language: str
) -> None:
    anna = speaks(stack, language)
    if provider == "yookassa" and language == "en":
        press(anna, ask(anna, "/buy"), "currency:RUB")
    code = {"en": "USD", "ru": "RUB"}[language]
    code = "RUB" if provider == "yookassa" else "XTR" if provider == "telegram_stars" else code
    names = LABELS if language == "en" else LABELS_RU
    stars = {"en": "Telegram Stars", "ru": "Звёзды Telegram"}[language]
    name = names.get(provider, stars)
    shop = ask(anna, "/buy")
    page = tap(shop, {"en": "100 requests", "ru": "100 запросов"}[language])
    while not (shown := [label for label in labels(page) if name in label]):
        press(anna, page, [one for one in callback_data(page) if one.startswith("card:")][-1])
    page = tap(page, name)
    if "receipt" in page.text or "чек" in page.text:
        page = ask(anna, "anna@example.com")
    (order,) = sql(
        "select o.amount, o.currency from orders o join users u on u.id = o.user_id where u.telegram_id = %s",
        anna.id,
    )
    charged = {"USD": "1.99", "RUB": "149", "XTR": "100"}[code]
    assert order == {"amount": Decimal(charged), "currency": code}
    written = charged.replace(".", "," if language == "ru" else ".")
    assert written in shown[0]
    assert written in page.text
    assert written in labels(page)[0]
    if provider == "telegram_stars":
        anna.pay(link_of(page)).wait()
        paid = eventually(
            lambda: sql(
                "select p.amount from payments p join users u on u.id = p.user_id where u.telegram_id = %s",
                anna.id,
            ),
            20,
        )
        assert paid == [{"amount": 100}]
    else:
        invoice = stack.payments.press(link_of(page), "pay")
        assert (invoice.amount, invoice.currency) == (Decimal(charged), code)


def test_two_concurrent_devices_make_one_order(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    first, second = ask(anna, "/buy"), ask(anna, "/buy")
    data = "pay:credits_100:stripe:USD"
    deliveries = [anna.tap(page.stored, data) for page in (first, second, first, second)]
    for delivery in deliveries:
        delivery.wait()
    assert len(orders(sql, anna)) == 1
    assert link_of(first) == link_of(second)
    stack.payments.press(link_of(first), "pay")
    for page in (first, second):
        eventually(lambda page=page: "Paid: $1.99" in page.text, 20)


def test_another_choice_or_a_failed_attempt_makes_a_new_order(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    page = press(anna, ask(anna, "/buy"), "pay:credits_100:fake:USD")
    press(anna, ask(anna, "/buy"), "pay:credits_100:fake:RUB")
    assert len(orders(sql, anna)) == 2
    stack.payments.press(link_of(page), "decline")
    eventually(lambda: any("didn’t go through" in one.text for one in anna.answers()), 20)
    again = press(anna, ask(anna, "/buy"), "pay:credits_100:fake:USD")
    assert len(orders(sql, anna)) == 3
    assert link_of(again) != link_of(page)


def test_two_devices_buy_once_from_balance_and_an_old_button_shows_the_refund(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    sql("select adjust_balance(%s, 1000, 'gift', %s)", anna.id, f"gift:{anna.id}")
    first, second = (press(anna, ask(anna, "/buy"), "bal:credits_100") for _ in range(2))
    pay = next(one for one in callback_data(first) if one.startswith("bal!:"))
    assert pay in callback_data(second)
    for page in (first, second):
        press(anna, page, pay)
        assert "Balance: 851" in page.text
    third = press(anna, ask(anna, "/buy"), "bal:credits_100")
    assert pay not in callback_data(third), "the next purchase is another one"
    (payment,) = sql(
        "select p.id from payments p join users u on u.id = p.user_id where u.telegram_id = %s", anna.id
    )
    sql("insert into admins (email) values ('refunds@example.com')")
    sql("select admin_refund_payment(%s, 149, 'refunds@example.com', %s)", payment["id"], f"refund:{anna.id}")
    press(anna, first, pay)
    assert "Refunded: 149" in first.text
    assert labels(first)[0] == "Buy again"


@pytest.mark.parametrize("data", ["order:None", "order:", "order:9999999999999999999", "order!:x"])
def test_invalid_callback_data_is_an_old_button(stack: Stack, sql: Sql, data: str) -> None:
    anna = speaks(stack)
    sql("select adjust_balance(%s, 1000, 'gift', %s)", anna.id, f"gift:{anna.id}")
    paid = press(anna, ask(anna, "/buy"), "bal!:credits_100:149:n0")
    assert "Balance: 851" in paid.text
    tapped = anna.tap(paid.stored, data)
    assert "old message" in tapped.answer(20)["text"]


@pytest.mark.parametrize(
    ("language", "unpaid", "cancel", "done", "status"),
    [
        ("en", "Unpaid: 100 requests · $1.99", "Cancel order", "Order canceled", "Canceled, not paid"),
        (
            "ru",
            "Не оплачено: 100 запросов · 149\u00a0₽",
            "Отменить заказ",
            "Заказ отменён",
            "Отменено, не оплачено",
        ),
    ],
)
def test_a_pending_order_is_paid_or_canceled_from_the_payments(
    stack: Stack, sql: Sql, language: str, unpaid: str, cancel: str, done: str, status: str
) -> None:
    anna = speaks(stack, language)
    currency = {"en": "USD", "ru": "RUB"}[language]
    page = press(anna, ask(anna, "/buy"), f"pay:credits_100:crypto_pay:{currency}")
    history = ask(anna, "/payments")
    assert unpaid in labels(history)
    order = tap(history, unpaid)
    assert link_of(order) == link_of(page)
    tapped = order.tap(cancel)
    assert done in tapped.answer(20)["text"]
    order.wait_for_edit()
    assert order.text.endswith(status)
    assert unpaid not in labels(order)
    eventually(lambda: not any(b.url for row in page.buttons for b in row), 20)
    assert [one["status"] for one in orders(sql, anna)] == ["canceled"]


def test_a_paid_order_is_not_canceled(stack: Stack, sql: Sql) -> None:
    anna, ben = speaks(stack), speaks(stack)
    press(anna, ask(anna, "/buy"), "pay:credits_100:fake:USD")
    history = ask(anna, "/payments")
    order = tap(history, "Unpaid:")
    cancel = next(one for one in callback_data(order) if one.startswith("order!:"))
    press(ben, ask(ben, "/buy"), cancel)
    assert [one["status"] for one in orders(sql, anna)] == ["pending"], "another user cannot cancel it"
    stack.payments.press(link_of(order), "pay")
    eventually(lambda: [one["status"] for one in orders(sql, anna)] == ["completed"], 20)
    press(anna, order, cancel)
    assert order.text.endswith("Paid")
    assert [one["status"] for one in orders(sql, anna)] == ["completed"]


def test_card_providers_share_a_button(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load = providers.load
    monkeypatch.setattr(providers, "load", lambda key: load("crypto_pay" if key == "other_crypto" else key))
    keys = ("stripe", "crypto_pay", "yookassa", "other_crypto", "balance")
    ways = [PaymentOption(key, "USD", Decimal(5), repeats=False) for key in keys]
    groups = [[way.provider for way in group] for group in by_button(ways)]
    assert groups == [["stripe", "yookassa"], ["crypto_pay"], ["other_crypto"], ["balance"]]
