"""Admins price, rename, hide and show products in the chat; buyers see the changes."""

from __future__ import annotations

import pytest
from psycopg.types.json import Jsonb

from tests.stories.test_admin import Appoint, Sql, ask, labels, started_user, tap
from tools.emulator.stack import Stack
from tools.emulator.telegram.test_objects import Answer
from tools.emulator.telegram.users import Chat

KEY = "sold_in_stories"
SHOP = {"en": "Pro for a month", "ru": "Про на месяц"}


@pytest.fixture
def product(sql: Sql) -> str:
    """Create a hidden plan without prices, as in a new deployment."""
    shown = {
        "en": {"title": SHOP["en"], "description": "Everything"},
        "ru": {"title": SHOP["ru"], "description": "Всё"},
    }
    sql(
        "insert into products (key, kind, plan, period, position, texts) "
        "values (%s, 'subscription', 'PREMIUM', 'month', 99, %s)",
        KEY,
        Jsonb(shown),
    )
    return KEY


def on_sale(sql: Sql) -> bool:
    return bool(sql("select is_active from products where key = %s", KEY)[0]["is_active"])


def in_shop(sql: Sql) -> bool:
    found = sql("select products_for_sale(null)::jsonb as found")[0]["found"]
    return KEY in {product["key"] for product in found}


def open_card(chat: Chat, title: str) -> Answer:
    answer = ask(chat, "/products")
    answer.tap(title)
    answer.wait_for_edit()
    return answer


def say(chat: Chat, text: str) -> Answer:
    return ask(chat, text)


WORDS: dict[str, dict[str, str]] = {
    "en": {
        "prices": "💰 Change prices", "yes": "💰 Yes, change prices", "jump": "⚠️ Yes, I’m sure",
        "show": "🟢 Start selling", "hide": "⚪️ Hide", "texts": "✏️ Change texts", "save": "✏️ Yes, save",
        "none": "no price yet", "hidden": "hidden", "sold": "for sale", "cancel": "Cancel",
        "keep": "Current subscribers and open invoices keep the old price.", "money": "$5.99",
        "preview": "👁 Preview", "back": "‹ Product",
    },
    "ru": {
        "prices": "💰 Изменить цены", "yes": "💰 Да, изменить цены", "jump": "⚠️ Да, именно столько",
        "show": "🟢 Выставить на продажу", "hide": "⚪️ Скрыть", "texts": "✏️ Изменить тексты",
        "save": "✏️ Да, сохранить", "none": "пока нет цены", "hidden": "скрыт", "sold": "в продаже",
        "cancel": "Отмена", "money": "5,99\u00a0$", "preview": "👁 Как видит покупатель", "back": "‹ К товару",
        "keep": "Для действующих подписок и в уже выставленных счетах цена не изменится.",
    },
}  # fmt: skip


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_product_is_priced_and_put_on_sale_and_hidden(
    stack: Stack, appoint: Appoint, sql: Sql, product: str, language: str
) -> None:
    boss, words = appoint(language).chat("assistant"), WORDS[language]
    card = open_card(boss, SHOP[language])
    assert words["hidden"] in card.text
    assert sum(map(len, labels(card))) == 5
    tap(card, words["show"])
    assert words["none"] in card.text, "without a price nothing is sold"
    tap(card, words["prices"])
    question = say(boss, "350 ⭐, 499 RUB, 5.99 USD")
    assert words["keep"] in question.text
    assert words["money"] in question.text
    assert SHOP["en"] in question.text and SHOP["ru"] in question.text
    assert not sql("select 1 as x from product_prices where product_key = %s", product)
    tap(question, words["yes"])
    assert "350\u00a0⭐" in question.text and words["hidden"] in question.text
    assert not in_shop(sql)
    tap(question, words["show"])
    assert not on_sale(sql), "it asks first"
    tap(question, words["show"])
    assert on_sale(sql) and words["sold"] in question.text
    assert in_shop(sql)
    tap(question, words["hide"])
    tap(question, words["hide"])
    assert not on_sale(sql)
    assert not in_shop(sql)
    log = ask(boss, "/audit").text
    assert log.count(product) >= 3


def test_production_without_a_contact_sells_nothing(
    stack: Stack, appoint: Appoint, sql: Sql, product: str
) -> None:
    sql("insert into product_prices values (%s, 'XTR', 350)", product)
    boss = appoint("en").chat("assistant")
    with stack.settings(ENVIRONMENT="production", SUPPORT_CONTACT=""):
        card = open_card(boss, SHOP["en"])
        tap(card, WORDS["en"]["show"])
        assert "_SUPPORT_CONTACT" in card.text
        assert WORDS["en"]["show"] not in [label for row in labels(card) for label in row]
    card = open_card(boss, SHOP["en"])
    tap(card, WORDS["en"]["show"])
    tap(card, WORDS["en"]["show"])
    assert on_sale(sql)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0 RUB", "The RUB price must be above zero."),
        ("-5 RUB", "The RUB price must be above zero."),
        ("4.999 RUB", "The RUB price can have two decimals at most."),
        ("1,000 RUB", "Write thousands without a separator: 1000."),
        ("1.5 XTR", "The Telegram Stars price must be a whole number."),
        (
            "20000 XTR",
            "The Telegram Stars price is too high. Telegram allows 10,000\u00a0⭐ a month at most.",
        ),
        ("0.30 USD", "The USD price is too low. The minimum for Card (Stripe) is $0.50."),
        ("7 QQQ", "No payment provider accepts QQQ."),
        ("cheap", "I couldn’t read the prices."),
        ("350", "I couldn’t read the prices."),
        ("-USD", "Nothing to change"),
    ],
)
def test_an_invalid_price_is_explained(
    stack: Stack, appoint: Appoint, sql: Sql, product: str, text: str, reason: str
) -> None:
    boss = appoint("en").chat("assistant")
    answer = ask(boss, f"/products {product} {text}")
    assert reason in answer.text
    assert labels(answer) == [["Cancel"]]
    # The next message is read as prices again.
    assert "$7" in ask(boss, "7 USD").text
    assert not sql("select 1 as x from product_prices where product_key = %s", product)


def test_a_large_price_change_needs_a_second_confirmation(
    stack: Stack, appoint: Appoint, sql: Sql, product: str
) -> None:
    boss = appoint("en").chat("assistant")
    first = ask(boss, f"/products {product} 499 RUB")
    tap(first, "💰 Yes, change prices")
    jump = ask(boss, f"/products {product} 4990 RUB")
    assert "499\u00a0₽ → 4,990\u00a0₽ ⚠️ ×10" in jump.text
    assert labels(jump)[0] == ["⚠️ Yes, I’m sure"]
    later = ask(boss, f"/products {product} 599 RUB")
    assert "out of date" in str(jump.tap("⚠️ Yes, I’m sure").answer(20)["text"])
    tap(later, "💰 Yes, change prices")
    assert sql("select amount::int as a from product_prices where product_key = %s", product) == [{"a": 599}]


def test_prices_changed_by_another_admin_are_shown_again(
    stack: Stack, appoint: Appoint, sql: Sql, product: str
) -> None:
    boss = appoint("en").chat("assistant")
    tap(ask(boss, f"/products {product} 499 RUB"), "💰 Yes, change prices")
    question = ask(boss, f"/products {product} 599 RUB")
    sql("update product_prices set amount = 549 where product_key = %s", product)
    assert "Another admin" in tap(question, "💰 Yes, change prices")
    assert "549\u00a0₽" in question.text
    assert sql("select amount::int as a from product_prices where product_key = %s", product) == [{"a": 549}]


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_preview_is_what_a_new_buyer_sees(
    stack: Stack, appoint: Appoint, sql: Sql, product: str, language: str
) -> None:
    sql("insert into product_prices values (%s, 'XTR', 350), (%s, 'USD', 5.99)", product, product)
    sql("insert into product_prices values (%s, 'RUB', 499), (%s, 'ZZZ', 900)", product, product)
    # No description: there need not be one.
    bare = Jsonb({code: {"title": title} for code, title in SHOP.items()})
    sql("update products set texts = %s where key = %s", bare, product)
    boss = appoint("en").chat("assistant")
    card = open_card(boss, SHOP["en"])
    tap(card, "👁 Preview")
    preview = card.text
    assert "900\u00a0ZZZ" in preview, "a price without a provider is pointed out"
    tap(card, "‹ Product")
    tap(card, WORDS["en"]["show"])
    tap(card, WORDS["en"]["show"])

    buyer = stack.telegram.user("Anna", language_code=language).chat("assistant")
    ask(buyer, "/start")
    page = ask(buyer, "/buy")
    buyer.tap(page.stored, f"buy:{product}").wait()
    assert page.text in preview
    buttons = [label for row in labels(page) for label in row][:-1]
    assert len(buttons) == 3, "once, auto-renewing, or as a gift"
    assert "\n".join(f"▫️ {label}" for label in buttons) in preview
    price = {"en": "$5.99", "ru": "499\u00a0₽"}[language]
    assert f"The {SHOP[language]} · {price} button opens:" in preview, "for the admin, in English"


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "pay 249\u00a0₽ and get 500\u00a0₽"),
        ("ru", "заплатит 249\u00a0₽, а на баланс получит 500\u00a0₽"),
    ],
)
def test_a_top_up_that_costs_far_less_than_it_adds_is_pointed_out(
    stack: Stack, appoint: Appoint, language: str, words: str
) -> None:
    boss = appoint(language).chat("assistant")
    assert words in ask(boss, "/products balance_500 249 RUB").text
    assert "⚠️" not in ask(boss, "/products balance_500 250 RUB").text


def test_a_price_below_the_minimum_of_a_provider_connected_later_is_pointed_out(
    stack: Stack, appoint: Appoint, sql: Sql, product: str
) -> None:
    sql("insert into product_prices values (%s, 'USD', 0.30)", product)
    card = open_card(appoint("en").chat("assistant"), SHOP["en"])
    tap(card, WORDS["en"]["show"])
    assert "⚠️ The USD price is too low. The minimum for Card (Stripe) is $0.50." in card.text


def test_a_preview_of_a_product_with_one_way_to_pay_is_its_checkout(
    stack: Stack, appoint: Appoint, sql: Sql, product: str
) -> None:
    sql(
        "update products set kind = 'credits', plan = null, period = null, quantity = 5 where key = %s",
        product,
    )
    sql("insert into product_prices values (%s, 'XTR', 350)", product)
    card = open_card(appoint("en").chat("assistant"), SHOP["en"])
    tap(card, "👁 Preview")
    assert "Total: 350\u00a0⭐" in card.text
    assert not sql("select 1 as x from orders where product_key = %s", product), "nothing is ordered"


def test_titles_are_changed_by_language_and_buyers_see_them(
    stack: Stack, appoint: Appoint, sql: Sql, product: str
) -> None:
    boss = appoint("en").chat("assistant")
    card = open_card(boss, SHOP["en"])
    tap(card, "✏️ Change texts")
    tap(card, "🇷🇺 Русский")
    assert SHOP["ru"] in card.text
    assert "33 characters, but the limit is 32" in ask(boss, "я" * 33).text
    question = ask(boss, "Премьер\nВсё и сразу")
    assert "🇷🇺 Премьер\nВсё и сразу" in question.text
    assert (
        sql("select texts -> 'ru' ->> 'title' as t from products where key = %s", product)[0]["t"]
        == SHOP["ru"]
    )
    tap(question, "✏️ Yes, save")
    tap(question, "👁 Preview")
    assert "🇬🇧 Pro for a month" in question.text and "🇷🇺 Премьер" in question.text
    texts = sql("select texts from products where key = %s", product)[0]["texts"]
    assert texts["ru"] == {"title": "Премьер", "description": "Всё и сразу"}
    assert texts["en"]["title"] == SHOP["en"]


def test_cancel_and_commands_end_the_waiting(stack: Stack, appoint: Appoint, product: str) -> None:
    boss = appoint("en").chat("assistant")
    card = open_card(boss, SHOP["en"])
    tap(card, "💰 Change prices")
    tap(card, "Cancel")
    assert "prices" not in ask(boss, "350 XTR").text.lower(), "it goes to the AI again"


def test_products_are_unknown_to_other_users(stack: Stack, appoint: Appoint, sql: Sql, product: str) -> None:
    appoint()
    anna = started_user(stack).chat("assistant")
    known, unknown = ask(anna, "/products"), ask(anna, "/nosuch")
    assert (known.text, known.buttons) == (unknown.text, unknown.buttons)
    for data in ("admin:products", f"admin:product:{product}", f"admin:product_show:{product}"):
        old = anna.tap(known.stored, "nosuch").answer()
        assert anna.tap(known.stored, data).answer() == old
    assert not on_sale(sql)
