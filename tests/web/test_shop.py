"""The shop on the web: lists, products, orders with every provider, double submits, races and refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from shared.core.texts import text
from tests.payments.provider_lists import CALLING
from tests.support import eventually, in_parallel
from tests.web.buying import (
    customer,
    fields,
    form_of,
    location,
    number,
    options,
    order_page,
    pay_link,
    plain,
)
from tests.web.pages import check_page
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

Sql = Callable[..., list[dict[str, Any]]]
PRICES = {"en": ("$5.99", "$1.99"), "ru": ("499 ₽", "149 ₽")}


@pytest.fixture(autouse=True)
def agree(sql: Sql) -> Iterator[None]:
    """Check after each test that balances, payments and effects match."""
    yield
    assert sql("select * from check_payments()") == []
    assert sql("select check_balances() as wrong") == [{"wrong": []}]


def orders(sql: Sql, chat: Chat) -> list[dict[str, Any]]:
    return sql(
        "select o.id, o.status, o.provider, o.amount::text from orders o join users u on u.id = o.user_id"
        " where u.telegram_id = %s order by o.id",
        chat.id,
    )


def credits(sql: Sql, chat: Chat) -> int:
    return int(sql("select bonus_credits from users where telegram_id = %s", chat.id)[0]["bonus_credits"])


def state(visitor: Visitor, order: int, **headers: str) -> Any:
    return visitor.get(f"/account/orders/{order}/state", Accept="application/json", **headers)


def wait_until_paid(visitor: Visitor, order: int) -> None:
    eventually(lambda: orjson.loads(state(visitor, order).body)["state"] == "paid", 30)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_shop_shows_products_in_the_currency_of_the_reader(stack: Stack, sql: Sql, language: str) -> None:
    anna, visitor = customer(stack, language)
    page = visitor.get("/buy")
    check_page(page.body)
    for price in PRICES[language]:
        assert price in plain(page)
    assert text(language, "buy_group_credits") in plain(page)
    other = "EUR" if language == "en" else "USD"
    visitor.post("/account/currency", {"currency": other})
    assert sql("select price_currency from users where telegram_id = %s", anna.id) == [
        {"price_currency": other if other == "USD" else None}
    ]
    before = sql("select price_currency from users where telegram_id = %s", anna.id)
    for wrong in ("XTR", "XXX", "usd", ""):
        visitor.post("/account/currency", {"currency": wrong})
    assert sql("select price_currency from users where telegram_id = %s", anna.id) == before
    assert 'name="currency"' not in visitor.get("/account/settings").body


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_purchase_leads_to_its_own_page_and_from_there_to_the_provider(
    stack: Stack, sql: Sql, language: str
) -> None:
    anna, visitor = customer(stack, language)
    page = order_page(visitor, "credits_100", "fake")
    check_page(page.body)
    assert PRICES[language][1] in plain(page)
    assert text(language, "order_open") in plain(page)
    order = number(page)
    tag = state(visitor, order).headers["ETag"]
    assert state(visitor, order, If_None_Match=tag).status == 304

    stack.payments.press(pay_link(page), "pay")
    wait_until_paid(visitor, order)
    assert state(visitor, order, If_None_Match=tag).status == 200
    done = visitor.get(f"/account/orders/{order}")
    assert text(language, "order_about_paid") in plain(done)
    assert text(language, "order_check") not in plain(done)
    assert f'href="/console/account/usage">{text(language, "order_open_usage")}<' in done.body
    assert credits(sql, anna) == 100
    eventually(lambda: [one for one in anna.answers() if "100" in one.text], 20)  # the bot confirms it


@pytest.mark.parametrize("provider", CALLING)
def test_every_provider_that_the_bot_offers(stack: Stack, sql: Sql, provider: str) -> None:
    anna, visitor = customer(stack)
    shown = visitor.get("/buy/credits_100")
    if not any(one.startswith(f"{provider}:") for one in options(shown)):
        visitor.post("/account/currency", {"currency": "RUB"})
    page = order_page(visitor, "credits_100", provider, contact="anna@example.com")
    stack.payments.press(pay_link(page), "pay")
    wait_until_paid(visitor, number(page))
    assert credits(sql, anna) == 100


def test_stars_are_paid_in_the_bot_that_the_page_links_to(stack: Stack, sql: Sql) -> None:
    anna, visitor = customer(stack)
    page = order_page(visitor, "credits_100", "telegram_stars")
    link = pay_link(page)
    assert link.startswith(f"{stack.url}/t.me/")
    anna.send("/start " + link.partition("?start=")[2])
    answer = anna.answer()
    invoice = next(button.url for row in answer.buttons for button in row if button.url)
    anna.pay(str(invoice)).wait()
    wait_until_paid(visitor, number(page))
    assert credits(sql, anna) == 100


def test_a_stranger_cannot_open_the_order_in_the_bot(stack: Stack) -> None:
    _, visitor = customer(stack)
    link = pay_link(order_page(visitor, "credits_100", "telegram_stars"))
    eve = stack.telegram.user("Eve", language_code="en").chat("assistant")
    eve.send("/start " + link.partition("?start=")[2])
    assert not [button for row in eve.answer().buttons for button in row if button.url]


def test_the_receipt_contact_is_asked_for_and_remembered(stack: Stack, sql: Sql) -> None:
    anna, visitor = customer(stack, "ru")
    sent = form_of(visitor, "credits_100", "yookassa")
    for wrong, key in (("", "contact_missing"), ("nonsense", "contact_wrong")):
        page = visitor.post("/buy/credits_100/order", {**sent, "contact": wrong})
        assert page.status == 422
        assert text("ru", key) in plain(page)
        assert fields(page, "/order")["option"] == sent["option"], "the choice is kept"
    made = visitor.post("/buy/credits_100/order", {**sent, "contact": "anna@example.com"})
    assert "anna@example.com" in plain(visitor.get(location(made)))
    assert fields(visitor.get("/buy/credits_1000"), "/order")["contact"] == "anna@example.com"
    (row,) = sql(
        "select session_data ->> 'receipt_contact' as contact from bot_sessions where chat_id = %s", anna.id
    )
    assert row["contact"] == "anna@example.com", "the bot knows it too"


def test_a_contact_that_the_provider_refuses(stack: Stack, sql: Sql) -> None:
    anna, visitor = customer(stack, "ru")
    sent = {**form_of(visitor, "credits_100", "yookassa"), "contact": "anna@refused.example"}
    page = visitor.post("/buy/credits_100/order", sent)
    assert page.status == 422
    assert "ЮKassa" in plain(page)
    again = {**fields(page, "/order"), "contact": "nina@example.com"}
    assert again["reference"] != sent["reference"], "the first order is canceled"
    assert visitor.post("/buy/credits_100/order", again).status == 303
    assert [one["status"] for one in orders(sql, anna)] == ["canceled", "pending"]


def test_a_form_sent_twice_makes_one_order(stack: Stack, sql: Sql) -> None:
    anna, visitor = customer(stack)
    sent = form_of(visitor, "credits_100", "stripe")
    made = in_parallel(6, lambda _: visitor.post("/buy/credits_100/order", sent))
    assert {one.status for one in made} == {303}
    assert len({location(one) for one in made}) == 1
    assert len(orders(sql, anna)) == 1


def test_two_tabs_pay_one_order(stack: Stack, sql: Sql) -> None:
    anna, visitor = customer(stack)
    tabs = [form_of(visitor, "credits_100", "stripe") for _ in range(2)]
    assert tabs[0]["reference"] != tabs[1]["reference"]
    made = in_parallel(2, lambda tab: visitor.post("/buy/credits_100/order", tabs[tab]))
    assert len({location(one) for one in made}) == 1
    assert len(orders(sql, anna)) == 1


def test_the_form_of_a_paid_order_leads_to_it(stack: Stack, sql: Sql) -> None:
    anna, visitor = customer(stack)
    sent = form_of(visitor, "credits_100", "fake")
    page = visitor.get(location(visitor.post("/buy/credits_100/order", sent)))
    stack.payments.press(pay_link(page), "pay")
    wait_until_paid(visitor, number(page))
    again = visitor.get(location(visitor.post("/buy/credits_100/order", sent)))
    assert text("en", "order_paid") in plain(again)
    assert text("en", "order_check") not in plain(again)
    assert len(orders(sql, anna)) == 1
    assert location(visitor.post(f"/account/orders/{number(page)}/cancel")).endswith(str(number(page)))
    assert orders(sql, anna)[0]["status"] == "completed"


def test_a_price_that_changed_is_shown_before_anything_is_ordered(stack: Stack, sql: Sql) -> None:
    anna, visitor = customer(stack)
    sent = form_of(visitor, "credits_100", "stripe")
    sql("update product_prices set amount = 2.49 where product_key = 'credits_100' and currency = 'USD'")
    back = visitor.post("/buy/credits_100/order", sent)
    page = visitor.get(location(back))
    assert text("en", "buy_price_notice") in plain(page)
    assert "$2.49" in plain(page)
    assert orders(sql, anna) == []


def test_a_product_that_is_withdrawn(stack: Stack, sql: Sql) -> None:
    anna, visitor = customer(stack)
    sent = form_of(visitor, "credits_100", "stripe")
    sql("update products set is_active = false where key = 'credits_100'")
    back = visitor.post("/buy/credits_100/order", sent)
    assert text("en", "buy_gone_notice") in plain(visitor.get(location(back)))
    gone = visitor.get("/buy/credits_100")
    assert text("en", "buy_gone_notice") in plain(visitor.get(location(gone)))
    assert orders(sql, anna) == []


@pytest.mark.parametrize("change", [
    {"option": "stripe:USD:0.01"}, {"option": "nonsense"}, {"option": "stripe:USD:1e9"}, {"reference": "x"},
    {"option": ""}, {"last": "-1"}, {"option": "stripe:EUR:1.99"}, {"option": "balance:RUB:149"},
    {"reference": "x" * 23}, {"option": "unknown:USD:1.99"}, {"contact": "x" * 300}, {"then": "x" * 300},
])  # fmt: skip
def test_a_forged_form_orders_nothing(stack: Stack, sql: Sql, change: dict[str, str]) -> None:
    anna, visitor = customer(stack)
    answer = visitor.post("/buy/credits_100/order", {**form_of(visitor, "credits_100", "stripe"), **change})
    assert answer.status in (303, 422)
    assert "/account/orders/" not in str(answer.headers["Location"])
    assert orders(sql, anna) == []


def test_an_order_is_canceled_and_its_page_says_so(stack: Stack, sql: Sql) -> None:
    anna, visitor = customer(stack)
    page = order_page(visitor, "credits_100", "stripe")
    done = visitor.get(location(visitor.post(f"/account/orders/{number(page)}/cancel")))
    assert text("en", "order_canceled_notice") in plain(done)
    assert orders(sql, anna)[0]["status"] == "canceled"
    again = visitor.post(f"/account/orders/{number(page)}/cancel")
    assert again.status == 303


def test_a_new_link_is_made_where_the_old_one_may_have_run_out(stack: Stack, sql: Sql) -> None:
    anna, visitor = customer(stack)
    page = order_page(visitor, "credits_100", "fake")  # this provider does not say that a link has run out
    check = f"/account/orders/{number(page)}/check"
    sent = fields(page, check)
    for _ in range(2):  # the second form of a double tap
        fresh = visitor.get(location(visitor.post(check, sent)))
    assert pay_link(fresh) != pay_link(page)
    stack.payments.press(pay_link(fresh), "pay")
    wait_until_paid(visitor, number(page))
    assert credits(sql, anna) == 100
    assert visitor.post(check, sent).status == 303, "a paid order stays as it is"


def test_an_attempt_that_failed_is_said_and_tried_again(stack: Stack, sql: Sql) -> None:
    anna, visitor = customer(stack, "ru")
    page = order_page(visitor, "credits_100", "yookassa", contact="anna@example.com")
    stack.payments.press(pay_link(page), "decline")
    path = f"/account/orders/{number(page)}"
    eventually(lambda: text("ru", "order_failed") in plain(visitor.get(path)), 20)
    fresh = visitor.get(location(visitor.post(f"{path}/check", fields(page, f"{path}/check"))))
    stack.payments.press(pay_link(fresh), "pay")
    wait_until_paid(visitor, number(page))
    assert credits(sql, anna) == 100


def test_a_provider_that_does_not_answer(stack: Stack, sql: Sql) -> None:
    _, visitor = customer(stack)
    sent = form_of(visitor, "credits_100", "fake")
    stack.payments["fake"].faults.fail("checkouts", 503)
    back = visitor.get(location(visitor.post("/buy/credits_100/order", sent)))
    assert text("en", "buy_unavailable_notice") in plain(back)
    made = visitor.post("/buy/credits_100/order", sent)
    assert pay_link(visitor.get(location(made)))


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_balance_pays_once_however_often_the_form_is_sent(stack: Stack, sql: Sql, language: str) -> None:
    anna, visitor = customer(stack, language)
    sql("select adjust_balance(%s, 1000, 'gift', %s)", anna.id, f"gift:{anna.id}:1")
    sent = form_of(visitor, "credits_100", "balance")
    made = in_parallel(4, lambda _: visitor.post("/buy/credits_100/order", sent))
    assert len({location(one) for one in made}) == 1
    assert text(language, "order_paid") in plain(visitor.get(location(made[0])))
    assert credits(sql, anna) == 100
    history = plain(visitor.get("/account/balance"))
    assert "851 ₽" in history
    assert "−149 ₽" in history
    assert text(language, "balance_reason_purchase") in history


def test_a_balance_that_is_too_low_leads_to_a_top_up_that_remembers_the_product(
    stack: Stack, sql: Sql
) -> None:
    anna, visitor = customer(stack, "ru")
    sql("select adjust_balance(%s, 10, 'gift', %s)", anna.id, f"gift:{anna.id}:1")
    page = visitor.get("/buy/credits_100")
    assert not [one for one in options(page) if one.startswith("balance:")]
    assert "/account/balance?then=credits_100" in page.body
    assert "/buy/balance_500?then=credits_100" in visitor.get("/account/balance?then=credits_100").body
    top_up = visitor.get("/buy/balance_500?then=credits_100")
    sent = fields(top_up, "/order")
    sent["option"] = next(one for one in options(top_up) if one.startswith("fake:"))
    paid = visitor.get(location(visitor.post("/buy/balance_500/order", sent)))
    stack.payments.press(pay_link(paid), "pay")
    wait_until_paid(visitor, number(paid))
    assert sql("select next_product_key from orders where id = %s", number(paid)) == [
        {"next_product_key": "credits_100"}
    ]
    form = form_of(visitor, "credits_100", "balance")
    assert visitor.post("/buy/credits_100/order", form).status == 303
    assert credits(sql, anna) == 100


def test_a_discount_is_shown_and_used(stack: Stack, sql: Sql) -> None:
    anna, visitor = customer(stack)
    sql("insert into promocodes (code, kind, value) values ('HALF', 'percent', 50)")
    page = visitor.get("/buy/credits_100")
    done = visitor.post("/account/promo/redeem", {**fields(page, "/promo/redeem"), "code": "half"})
    assert "50%" in plain(done)
    assert "/buy/credits_100" in done.body
    page = visitor.get("/buy/credits_100")
    assert "<s>$1.99</s>" in page.body
    order_page(visitor, "credits_100", "stripe")
    assert [one["amount"] for one in orders(sql, anna)] == ["1.00"]


def test_a_second_auto_renewal_is_asked_about(stack: Stack, sql: Sql) -> None:
    anna, visitor = customer(stack)
    page = order_page(visitor, "premium_month", "fake", repeats=True)
    stack.payments.press(pay_link(page), "pay")
    wait_until_paid(visitor, number(page))
    eventually(lambda: sql("select id from renewals"), 20)
    sent = form_of(visitor, "premium_month", "stripe", repeats=True)
    question = visitor.post("/buy/premium_month/order", sent)
    assert text("en", "shop_replace") in plain(question)
    assert len(orders(sql, anna)) == 1
    made = visitor.post("/buy/premium_month/order", fields(question, "/order"))
    assert made.status == 303
    assert len(orders(sql, anna)) == 2


PRIVATE = ("", "/state", "/check", "/cancel")


def test_orders_of_others_do_not_exist(stack: Stack, sql: Sql) -> None:
    anna, visitor = customer(stack)
    page = order_page(visitor, "credits_100", "stripe")
    _, stranger = customer(stack, name="Eve")
    form = form_of(stranger, "credits_100", "fake")
    for ending in PRIVATE:
        path = f"/account/orders/{number(page)}{ending}"
        answer = stranger.post(path, form) if ending in ("/check", "/cancel") else stranger.get(path)
        assert answer.status == 404, path
        assert pay_link(page) not in answer.body
    assert orders(sql, anna)[0]["status"] == "pending"
    for wrong in ("0", "9223372036854775807", "9223372036854775808", "-1", "x", "1" * 40):
        assert stranger.get(f"/account/orders/{wrong}").status == 404


def test_a_banned_user_is_logged_out(stack: Stack, sql: Sql) -> None:
    anna, visitor = customer(stack)
    sent = form_of(visitor, "credits_100", "stripe")
    sql("update users set banned_at = now() where telegram_id = %s", anna.id)
    assert visitor.get("/buy").status == 303
    assert visitor.post("/buy/credits_100/order", sent).status == 401
    assert orders(sql, anna) == []


def test_without_a_database_the_page_says_so(stack: Stack) -> None:
    _, visitor = customer(stack)
    sent = form_of(visitor, "credits_100", "stripe")
    stack.database.down()
    for answer in (visitor.get("/buy"), visitor.post("/buy/credits_100/order", sent)):
        assert answer.status == 503
        assert text("en", "web_error_503") in plain(answer)
    stack.database.up()
    eventually(lambda: visitor.get("/buy").status == 200, 20)
