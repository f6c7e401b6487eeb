"""A plan is bought for another user in the bot or on its page and accepted by its link, in both languages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.core import texts
from tests.stories.test_buy import link_of, speaks
from tests.stories.test_buy import tap as find
from tests.stories.test_pay_from_balance import gets
from tests.stories.test_refunds import payment_of
from tests.stories.test_teams import ask
from tests.stories.test_trial import labels, tap
from tests.support import eventually, in_parallel, says
from tests.web.buying import fields, location, options
from tests.web.pages import check_page
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram import Answer, Chat

Sql = Callable[..., list[dict[str, Any]]]
BALANCE = {"en": "Balance ·", "ru": "Баланс ·"}


@pytest.fixture(autouse=True)
def _agree(sql: Sql) -> Any:
    yield
    assert sql("select * from check_payments()") == []


def press(answer: Answer, words: str) -> Answer:
    """Tap the button that holds these words."""
    return tap(answer, next(label for label in labels(answer) if words in label))


def plan(sql: Sql, chat: Chat) -> list[dict[str, Any]]:
    return sql(
        "select s.plan, s.source from subscriptions s join users u on u.id = s.user_id"
        " where u.telegram_id = %s",
        chat.id,
    )


def token(sql: Sql) -> str:
    return str(sql("select token from gifts order by payment_id desc limit 1")[0]["token"])


def found(chat: Chat, key: str, language: str) -> Answer:
    """Wait for the bot's message with this text."""
    answers = eventually(lambda: [one for one in chat.answers() if says(one.text, key, language)], 30)
    return answers[0]


@pytest.mark.parametrize("language", ["en", "ru"])
def test_gift_is_bought_sent_and_accepted(stack: Stack, sql: Sql, language: str) -> None:
    anna, ben = speaks(stack, language), speaks(stack, language)
    listed = ask(anna, "/gifts")
    assert says(listed.text, "gifts_empty", language)
    methods = tap(listed, labels(listed)[0])
    assert says(methods.text, "gift_question", language)
    checkout = press(methods, texts.text(language, "provider_telegram_stars"))
    assert says(checkout.text, "gift_checkout", language)

    anna.pay(link_of(checkout)).wait()
    paid = found(anna, "paid_gift", language)
    assert plan(sql, anna) == [], "the buyer gets no plan"
    gift = tap(paid, texts.text(language, "gift_open"))
    assert says(gift.text, "gift_is_waiting", language)
    assert f"?start=gift_{token(sql)}" in gift.text

    assert says(ask(anna, f"/start gift_{token(sql)}").text, "gift_link_own", language)
    assert says(ask(ben, f"/start gift_{token(sql)}").text, "gift_link_taken", language)
    assert plan(sql, ben) == [{"plan": "PREMIUM", "source": "purchase"}]
    found(anna, "gift_taken_notice", language)
    assert says(ask(ben, f"/start gift_{token(sql)}").text, "gift_link_known", language)
    eve = speaks(stack, language)
    assert says(ask(eve, f"/start gift_{token(sql)}").text, "gift_link_used", language)
    assert says(ask(eve, "/start gift_nothing").text, "gift_link_unknown", language)
    assert texts.text(language, "gift_state_taken") in labels(ask(anna, "/gifts"))[-2]
    assert payment_of(sql, anna)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_plan_in_the_shop_has_a_button_to_give_it(stack: Stack, language: str) -> None:
    anna = speaks(stack, language)
    name = "Premium for a month" if language == "en" else "Премиум на месяц"
    methods = tap(find(ask(anna, "/buy"), name), texts.text(language, "gift_give"))
    assert says(methods.text, "gift_question", language)


def test_checkout_without_a_screen_before_it_offers_to_give(stack: Stack, sql: Sql) -> None:
    sql("delete from product_prices where product_key = 'premium_year' and currency <> 'XTR'")
    sql("update products set is_active = false where key <> 'premium_year'")
    anna = speaks(stack)
    checkout = press(ask(anna, "/buy"), "Premium for a year")
    assert says(checkout.text, "buy_pay")
    gift = press(checkout, texts.text("en", "gift_give"))
    assert says(gift.text, "gift_checkout")
    assert texts.text("en", "gift_give") not in labels(gift)
    made = sql("select is_gift, status, checkout_url is not null as is_ready from orders order by id")
    assert made == [
        {"is_gift": False, "status": "pending", "is_ready": True},
        {"is_gift": True, "status": "pending", "is_ready": True},
    ]


def test_checkout_after_other_screens_offers_no_gift(stack: Stack) -> None:
    anna = speaks(stack)
    checkout = find(find(ask(anna, "/buy"), "Premium for a month"), "Telegram Stars")
    assert says(checkout.text, "buy_pay")
    assert texts.text("en", "gift_give") not in labels(checkout)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_gift_is_paid_from_the_balance(stack: Stack, sql: Sql, language: str) -> None:
    anna, ben = speaks(stack, language), speaks(stack, language)
    gets(sql, anna, "500")
    methods = tap(ask(anna, "/gifts"), labels(ask(anna, "/gifts"))[0])
    screen = find(methods, BALANCE[language])
    assert says(screen.text, "gift_checkout", language)
    label = next(one for one in labels(screen) if "499" in one)
    for delivery in [screen.tap(label), screen.tap(label)]:
        delivery.wait()
    done = screen.wait_for_edit()
    assert says(done.text, "balance_paid_gift", language)
    gift = tap(done, texts.text(language, "gift_open"))
    assert says(gift.text, "gift_is_waiting", language)
    assert f"?start=gift_{token(sql)}" in gift.text
    assert plan(sql, anna) == [], "the buyer gets no plan"
    assert sql("select balance from users where telegram_id = %s", anna.id)[0]["balance"] == 1
    assert says(ask(ben, f"/start gift_{token(sql)}").text, "gift_link_taken", language)
    assert len(sql("select payment_id from gifts")) == 1


def test_balance_that_does_not_suffice_is_no_way_to_pay_for_a_gift(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    gets(sql, anna, "500")
    methods = tap(ask(anna, "/gifts"), labels(ask(anna, "/gifts"))[0])
    screen = find(methods, BALANCE["en"])
    label = next(one for one in labels(screen) if "499" in one)
    gets(sql, anna, "-100")
    short = tap(screen, label)
    assert says(short.text, "balance_short_only")
    methods = tap(short, texts.text("en", "list_back"))
    assert says(methods.text, "gift_question")
    with pytest.raises(AssertionError, match="no 'Balance"):
        find(methods, BALANCE["en"])
    assert sql("select id from orders") == []


@pytest.mark.parametrize("language", ["en", "ru"])
def test_gift_is_paid_from_the_balance_on_the_page(stack: Stack, sql: Sql, language: str) -> None:
    anna = speaks(stack, language)
    gets(sql, anna, "500")
    visitor = Visitor(stack, language)
    visitor.log_in(anna, "/account/gifts")
    page = visitor.get("/buy/premium_month?gift=1")
    check_page(page.body)
    option = next(one for one in options(page) if one.startswith("balance:"))
    sent = {**fields(page, "/buy/premium_month/order"), "option": option}
    made = in_parallel(3, lambda _n: visitor.post("/buy/premium_month/order", sent))
    assert len({location(one) for one in made}) == 1
    assert "/account/gifts" in visitor.get(location(made[0])).body
    assert f"start=gift_{token(sql)}" in visitor.get("/account/gifts").body
    assert len(sql("select payment_id from gifts")) == 1
    assert plan(sql, anna) == []
    refused = visitor.post("/buy/premium_month/order", {**sent, "last": "1"})
    assert "gift=1&notice=balance_short_notice" in location(refused), "1 ₽ buys nothing"
    assert len(sql("select payment_id from gifts")) == 1


@pytest.mark.parametrize("language", ["en", "ru"])
def test_gift_is_bought_on_the_page_of_the_product(stack: Stack, sql: Sql, language: str) -> None:
    anna, ben = speaks(stack, language), speaks(stack, language)
    visitor = Visitor(stack, language)
    visitor.log_in(anna, "/account/gifts")
    empty = visitor.get("/account/gifts")
    check_page(empty.body)
    assert texts.text(language, "gifts_none_yet") in empty.body
    assert "gift=1" in visitor.get("/buy/premium_month").body

    page = visitor.get("/buy/premium_month?gift=1")
    check_page(page.body)
    assert not [one for one in options(page) if one.endswith(":again") or one.startswith("balance")]
    option = next(one for one in options(page) if one.startswith("fake:"))
    sent = {**fields(page, "/buy/premium_month/order"), "option": option}
    assert sent["gift"] == "1"
    again = {**sent, "option": f"{option}:again"}
    assert visitor.post("/buy/premium_month/order", again).status == 303
    assert sql("select id from orders") == [], "auto-renewal is not given"
    changed = {**sent, "option": f"{option.rpartition(':')[0]}:1"}
    back = visitor.get(location(visitor.post("/buy/premium_month/order", changed)))
    assert fields(back, "/buy/premium_month/order")["gift"] == "1", "the price has changed: choose again"
    order = location(visitor.post("/buy/premium_month/order", sent))
    stack.payments.press(sql("select checkout_url from orders")[0]["checkout_url"], "pay")
    eventually(lambda: sql("select payment_id from gifts"), 30)
    eventually(lambda: "/account/gifts" in visitor.get(order).body, 30)

    sql("update gifts set bot = 'removed'")  # from BOT_TOKENS, since
    page = visitor.get("/account/gifts")
    check_page(page.body)
    assert f"start=gift_{token(sql)}" in page.body
    sql("update gifts set bot = 'assistant'")
    assert says(ask(ben, f"/start gift_{token(sql)}").text, "gift_link_taken", language)
    page = visitor.get("/account/gifts")
    assert token(sql) not in page.body
    assert texts.text(language, "gift_state_taken") in page.body
