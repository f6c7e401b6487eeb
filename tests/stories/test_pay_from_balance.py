"""Purchases from the balance: the page, one tap, and a top-up that finishes a purchase."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.stories.test_buy import LABELS, LABELS_RU, credits, link_of, news, speaks, tap
from tests.support import eventually
from tools.emulator.stack import Stack
from tools.emulator.telegram import Answer, Chat

Sql = Callable[..., list[dict[str, Any]]]
NO_BREAK = "\u00a0"
WORDS = {
    "en": {
        "product": "100 requests", "balance": "Balance ·", "asks": "You have 200 ₽ and will have 51 ₽ left",
        "pay": "Pay 149 ₽", "done": "You got 100 requests.\n\nBalance: 51 ₽",
        "paid": "Paid, thank you!",
        "short": "Top up, then finish", "top_up": "Top up 500", "card": LABELS["fake"],
        "finish": "Finish your purchase", "left": "You got 100 requests.\n\nBalance: 351.50 ₽",
    },
    "ru": {
        "product": "100 запросов", "balance": "Баланс ·", "asks": "Сейчас на балансе 200 ₽, останется 51 ₽",
        "pay": "Оплатить 149 ₽", "done": "Начислено: 100 запросов.\n\nБаланс: 51 ₽",
        "paid": "Оплачено, спасибо!",
        "short": "Пополните его и завершите", "top_up": "Пополнение на 500", "card": LABELS_RU["fake"],
        "finish": "Осталось завершить покупку", "left": "Начислено: 100 запросов.\n\nБаланс: 351,50 ₽",
    },
}  # fmt: skip


def gets(sql: Sql, chat: Chat, amount: str) -> None:
    """Add to the balance, as another service does."""
    sql("select adjust_balance(%s, %s, 'gift', %s)", chat.id, amount, f"gift:{chat.id}:{amount}")


def balance(sql: Sql, chat: Chat) -> str:
    return str(sql("select balance from users where telegram_id = %s", chat.id)[0]["balance"])


def plain(answer: Answer) -> str:
    return answer.text.replace(NO_BREAK, " ")


def labels(answer: Answer) -> list[str]:
    return [button.text.replace(NO_BREAK, " ") for row in answer.buttons for button in row]


def press(answer: Answer, words: str) -> Answer:
    """Tap the button with these words and wait until the message is edited."""
    return tap(answer, words.replace(" ₽", f"{NO_BREAK}₽"))


def open_product(chat: Chat, product: str) -> Answer:
    chat.send("/buy")
    return tap(chat.answer(), product)


@pytest.fixture
def agree(sql: Sql) -> Iterator[None]:
    """Check after each test that balances, payments and effects match."""
    yield
    assert sql("select * from check_payments()") == []
    assert sql("select check_balances() as wrong") == [{"wrong": []}]


pytestmark = pytest.mark.usefixtures("agree")


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_page_shows_the_balance_left_and_payment_gives_the_product(
    stack: Stack, sql: Sql, language: str
) -> None:
    words = WORDS[language]
    anna = speaks(stack, language)
    gets(sql, anna, "200")

    page = press(open_product(anna, words["product"]), words["balance"])
    assert words["asks"] in plain(page)
    done = press(page, words["pay"])

    assert words["done"] in plain(done)
    assert (credits(sql, anna), balance(sql, anna)) == (100, "51.00")
    assert anna.room.answers[-1].message_id == done.message_id, "the screen itself says it, no second message"


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_top_up_made_for_a_product_finishes_its_purchase(stack: Stack, sql: Sql, language: str) -> None:
    words = WORDS[language]
    anna = speaks(stack, language)
    gets(sql, anna, "0.50")

    short = press(open_product(anna, words["product"]), words["balance"])
    assert words["short"] in plain(short)
    checkout = press(press(short, words["top_up"]), words["card"])
    stack.payments.press(link_of(checkout), "pay")
    news(anna, words["finish"])
    offer = next(one for one in anna.answers() if words["finish"] in one.text)
    assert words["product"] in offer.text
    (label,) = [button.text for row in offer.buttons for button in row]
    assert "149" in label
    for delivery in [offer.tap(label), offer.tap(label)]:
        delivery.wait()
    done = offer.wait_for_edit()

    assert words["left"] in plain(done)
    assert (credits(sql, anna), balance(sql, anna)) == (100, "351.50")


def test_two_taps_on_the_button_buy_once(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    gets(sql, anna, "1000")
    page = press(open_product(anna, "100 requests"), "Balance ·")
    label = next(text for text in (b.text for row in page.buttons for b in row) if text.startswith("Pay"))
    for delivery in [page.tap(label) for _ in range(4)]:
        delivery.wait()
    eventually(lambda: credits(sql, anna) == 100, 10)
    assert balance(sql, anna) == "851.00"


def test_the_same_product_is_bought_again_from_a_new_page(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    gets(sql, anna, "1000")
    page = open_product(anna, "100 requests")
    for bought in (100, 200):
        done = press(press(page, "Balance ·"), "Pay")
        assert credits(sql, anna) == bought
        page = press(press(press(done, "Menu"), "Buy"), "100 requests")


def test_a_month_from_balance_says_that_it_does_not_renew(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    gets(sql, anna, "500")
    page = press(open_product(anna, "Premium for a month"), "Balance ·")
    assert "without auto-renewal" in page.text
    assert "Active until" in press(page, "Pay").text
    anna.send("/payments")
    assert "Premium for a month" in news(anna, "Your payments")


def test_a_balance_spent_elsewhere_is_not_spent_twice(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    gets(sql, anna, "150")
    page = press(open_product(anna, "100 requests"), "Balance ·")
    gets(sql, anna, "-100")
    assert "Top up, then finish" in press(page, "Pay").text
    assert (credits(sql, anna), balance(sql, anna)) == (0, "50.00")


def test_a_price_that_has_changed_is_shown_before_it_is_paid(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    gets(sql, anna, "300")
    page = press(open_product(anna, "100 requests"), "Balance ·")
    sql("update product_prices set amount = 199 where product_key = 'credits_100' and currency = 'RUB'")
    page = press(page, "Pay")
    assert "199" in page.text
    assert balance(sql, anna) == "300.00"
    press(page, "Pay")
    assert balance(sql, anna) == "101.00"


def test_a_top_up_is_not_sold_from_balance(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    gets(sql, anna, "1000")
    assert not any(label.startswith("Balance ·") for label in labels(open_product(anna, "Top up 500")))


def test_without_top_ups_another_payment_option_is_named(stack: Stack, sql: Sql) -> None:
    sql("update products set is_active = false where kind = 'balance'")
    anna = speaks(stack)
    gets(sql, anna, "1")
    page = press(open_product(anna, "100 requests"), "Balance ·")
    assert "Choose another payment method" in page.text
    assert "Telegram Stars" in " ".join(labels(press(page, "Back")))


def test_opening_the_shop_cancels_the_purchase_after_a_top_up(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    gets(sql, anna, "1")
    press(open_product(anna, "100 requests"), "Balance ·")
    checkout = press(open_product(anna, "Top up 500"), LABELS["fake"])
    stack.payments.press(link_of(checkout), "pay")
    assert "Added to your balance: " in news(anna, "Paid, thank you!")
    assert not any("Finish your purchase" in one.text for one in anna.answers())
