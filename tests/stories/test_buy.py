"""Purchases with every provider: from /buy to fulfilment, refunds and subscriptions."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from tests.payments import provider_lists
from tests.payments.provider_lists import LABELS, LABELS_RU
from tests.support import eventually, says
from tools.emulator.payments import NotPossible
from tools.emulator.stack import Stack
from tools.emulator.telegram import Answer, Chat

Sql = Callable[..., list[dict[str, Any]]]
# What a buyer reads on the way, in the language they speak.
SAYS = {
    "en": {
        "shop": "What would you like to buy?", "product": "100 requests", "receipt": "receipt",
        "wrong": "doesn’t look like", "pay": "when the payment goes",
        "paid": "Paid, thank you!", "back": "we’ve refunded",
        "history": "Your payments", "is_paid": "Paid", "is_refunded": "Refunded",
    },
    "ru": {
        "shop": "Что хотите купить?", "product": "100 запросов", "receipt": "чек", "wrong": "Не похоже ни",
        "pay": "когда оплата пройдёт", "paid": "Оплачено, спасибо!", "back": "вернули",
        "history": "Ваши платежи", "is_paid": "Оплачено", "is_refunded": "Возвращено",
    },
}  # fmt: skip


def speaks(stack: Stack, language: str = "en") -> Chat:
    """Return the chat of a new user who has started the assistant."""
    chat = stack.telegram.user("Anna", language_code=language).chat("assistant")
    chat.send("/start")
    chat.answer()
    return chat


# Steps that stand between a screen and the button that is looked for: groups, modes, providers of cards.
STEPS = {
    "Premium": ("Premium · from",), "Премиум": ("Премиум · от",),
    "1,000": ("Extra requests",),
    "1\u00a0000": ("Пакеты запросов",),
    "100": ("Extra requests", "Пакеты запросов"),
    "Seven": ("Extra requests",),
    "Sales:": ("Courses",),
}  # fmt: skip
ONCE, REPEATING = ("Pay once", "Один раз"), ("Auto-renew", "Автопродление")
CARDS = ("Card · ", "Карта · ", "More ›", "Ещё ›")


def tap(answer: Answer, words: str) -> Answer:
    """Tap the button that holds these words, through the screens before it, and wait for what it changes.

    "🔁 Card (Stripe)" is a way of the auto-renewal. A provider that takes other currencies alone is reached
    as by the button of an old message.
    """
    repeats, name = words.startswith("🔁"), words.removeprefix("🔁").strip()
    steps = (*STEPS.get(name.split(" ")[0], ()), *(REPEATING if repeats else ONCE), *CARDS)
    for _ in range(7):
        labels = [button.text for row in answer.buttons for button in row]
        label = next((label for label in labels if name in label), None)
        step = label or next((label for step in steps for label in labels if label.startswith(step)), None)
        if step is None and "YooKassa" in name:
            return _tap_old_button(answer, repeats)
        if step is None:
            break
        answer.tap(step).wait()
        answer.wait_for_edit()
        if label:
            return answer
    raise AssertionError(f"no {words!r} among {labels}")


def _tap_old_button(answer: Answer, repeats: bool) -> Answer:
    button = next(b for row in answer.buttons for b in row if (b.data or "").startswith("pay:"))
    product = str(button.data).split(":")[1]
    answer._tap(answer.stored, f"pay:{product}:yookassa:RUB" + (":again" if repeats else "")).wait()
    return answer.wait_for_edit()


def link_of(answer: Answer) -> str:
    return next(button.url for row in answer.buttons for button in row if button.url)


def news(chat: Chat, words: str) -> str:
    """Wait for the bot's message with these words and return it."""
    found = eventually(lambda: [one for one in chat.answers() if words in one.text], 30)
    return str(found[0].text)


def credits(sql: Sql, chat: Chat) -> int:
    return int(sql("select bonus_credits from users where telegram_id = %s", chat.id)[0]["bonus_credits"])


def checkout(chat: Chat, product: str, provider: str, language: str = "en") -> str:
    """Go through the shop to the provider's checkout; return its URL."""
    says = SAYS[language]
    chat.send("/buy")
    shop = chat.answer()
    assert says["shop"] in shop.text
    page = tap(tap(shop, product), provider)
    if says["receipt"] in page.text:
        chat.send("nonsense").wait()
        assert says["wrong"] in chat.answer().text
        chat.send("anna@example.com")
        page = chat.answer()
    assert says["pay"] in page.text
    return link_of(page)


@pytest.mark.parametrize(("language", "labels"), [("en", LABELS), ("ru", LABELS_RU)])
@pytest.mark.parametrize("provider", provider_lists.CALLING)
def test_a_payment_is_fulfilled_at_once_and_only_once(
    stack: Stack, sql: Sql, provider: str, language: str, labels: dict[str, str]
) -> None:
    says = SAYS[language]
    anna = speaks(stack, language)
    link = checkout(anna, says["product"], labels[provider], language)

    stack.payments.press(link, "pay")

    assert says["product"] in news(anna, says["paid"])
    assert credits(sql, anna) == 100
    stack.payments.press(link, "deliver_twice")
    stack.payments.press(link, "forge")
    anna.send("/payments")
    history = eventually(lambda: [one for one in anna.answers() if says["history"] in one.text], 20)[0]
    assert says["product"] in history.text
    assert history.text.rstrip().endswith(says["is_paid"])
    assert credits(sql, anna) == 100
    assert sql("select * from check_payments()") == []


@pytest.mark.parametrize(("language", "labels"), [("en", LABELS), ("ru", LABELS_RU)])
@pytest.mark.parametrize("provider", provider_lists.REFUNDING)
def test_a_refund_reverses_the_fulfilment_and_notifies_the_buyer(
    stack: Stack, sql: Sql, provider: str, language: str, labels: dict[str, str]
) -> None:
    says = SAYS[language]
    anna = speaks(stack, language)
    link = checkout(anna, says["product"], labels[provider], language)
    stack.payments.press(link, "pay")
    news(anna, says["paid"])

    stack.payments.press(link, "refund")

    news(anna, says["back"])
    assert credits(sql, anna) == 0
    anna.send("/payments")
    history = eventually(lambda: [one for one in anna.answers() if says["history"] in one.text], 20)[0]
    assert history.text.rstrip().endswith(says["is_refunded"])


@pytest.mark.parametrize("provider", provider_lists.CARDS)
def test_a_wrong_amount_gives_nothing(stack: Stack, sql: Sql, provider: str) -> None:
    anna = speaks(stack)
    link = checkout(anna, "100 requests", LABELS[provider])

    with suppress(NotPossible):  # CloudPayments asks us first, and then takes nothing
        stack.payments.press(link, "wrong_amount")

    eventually(lambda: sql(
        "select p.problem from payments p join orders o on o.id = p.order_id "
        "join users u on u.id = o.user_id where u.telegram_id = %s and p.problem = 'amount'", anna.id,
    ) or _was_declined(stack), 20)  # fmt: skip
    assert credits(sql, anna) == 0


def _was_declined(stack: Stack) -> bool:
    """Return whether CloudPayments' precheck was declined because of the wrong amount."""
    return '"payment_declined"' in stack.function("payments").raw_log


def test_a_callback_during_an_outage_is_retried_by_the_provider(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    link = checkout(anna, "100 requests", LABELS["fake"])
    stack.database.down()
    stack.payments.press(link, "pay")
    anna.send("/buy")
    assert says(anna.answer(30).text, "offline_unavailable")
    stack.database.up()

    news(anna, "Paid, thank you!")

    assert credits(sql, anna) == 100


def test_stars_are_prechecked_paid_and_refunded(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    link = checkout(anna, "100 requests", "Telegram Stars")

    paid = anna.pay(link).wait()

    assert "100 requests" in news(anna, "Paid, thank you!")
    assert credits(sql, anna) == 100
    assert "already been paid" in anna.pay(link).wait("refused").error
    stack.telegram.request(
        "assistant",
        "refundStarPayment",
        {"user_id": anna.id, "telegram_payment_charge_id": paid.charge_id},
    )
    news(anna, "we’ve refunded")
    assert credits(sql, anna) == 0


def test_an_invoice_of_another_user_cannot_be_paid(stack: Stack) -> None:
    anna, ben = speaks(stack), speaks(stack)
    link = checkout(anna, "100 requests", "Telegram Stars")
    assert "someone else" in ben.pay(link).wait("refused").error


def test_without_a_database_a_purchase_in_stars_is_refused(stack: Stack) -> None:
    anna = speaks(stack)
    link = checkout(anna, "100 requests", "Telegram Stars")
    stack.database.down()
    assert "in a minute" in anna.pay(link).wait("refused", 30).error


def test_a_month_of_premium_in_russian(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack, "ru")
    anna.send("/buy")
    shop = anna.answer()
    assert "Что хотите купить?" in shop.text
    page = tap(tap(shop, "Премиум на месяц"), "Звёзды Telegram · 350")
    assert "К оплате:" in page.text
    anna.pay(link_of(page)).wait()
    assert "Действует до" in news(anna, "оплачено, спасибо!")
    rows = sql("select vip_level, is_paid from users where telegram_id = %s", anna.id)
    assert rows == [{"vip_level": 1, "is_paid": True}]
    anna.send("/subscription")
    assert "активен до" in news(anna, "Тариф «Премиум»")
    anna.send("/buy")
    shop = eventually(lambda: [one for one in anna.answers() if "Что хотите купить?" in one.text], 20)[0]
    page = tap(shop, "Премиум на месяц")
    assert "Ваш тариф активен до" in page.text


def test_a_subscription_in_stars_renews_and_is_canceled(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    anna.send("/buy")
    page = tap(tap(anna.answer(), "Premium for a month"), "🔁 Telegram Stars")
    assert "then 350\u00a0⭐ every month" in page.text
    anna.pay(link_of(page)).wait()
    news(anna, "Paid, thank you!")
    (running,) = anna.subscriptions
    stack.telegram.stars.renew(running)
    news(anna, "has been renewed until")
    anna.send("/subscription")
    shown = eventually(lambda: [one for one in anna.answers() if "/month, Telegram" in one.text], 20)
    sure = tap(shown[0], "Turn off auto-renewal")
    assert "You won’t be charged again" in sure.text
    assert "Auto-renewal is off" in tap(sure, "Yes, turn it off").text
    rows = sql(
        "select r.status from renewals r join users u on u.id = r.user_id where u.telegram_id = %s", anna.id
    )
    assert rows == [{"status": "canceled"}]


def test_turning_off_a_subscription_is_confirmed_once(stack: Stack, sql: Sql) -> None:
    """The provider's callback arrives before the bot has recorded the cancellation."""
    anna = speaks(stack)
    anna.send("/buy")
    link = link_of(tap(tap(anna.answer(), "Premium for a month"), "🔁 Card (Stripe)"))
    stack.payments.press(link, "pay")
    news(anna, "Paid, thank you!")
    anna.send("/subscription")
    shown = eventually(lambda: [one for one in anna.answers() if "/month, Card" in one.text], 20)
    seen = len(anna.answers())
    sure = tap(shown[0], "Turn off auto-renewal")
    stack.database.on("cancel_renewal", "before", lambda: stack.payments.idle(20), times=1)
    assert says(tap(sure, "Yes, turn it off").text, "subscription_canceled")
    stack.database.clear()
    invoice = stack.payments["stripe"].invoices[link.rpartition("/")[2]]
    assert invoice.callbacks[-1].title == "customer.subscription.updated"
    assert [one.text for one in anna.answers()[seen:] if says(one.text, "renewal_canceled")] == []


@pytest.mark.parametrize("is_callback_lost", [False, True])
def test_a_cancellation_whose_answer_is_lost_is_confirmed(stack: Stack, is_callback_lost: bool) -> None:
    anna = speaks(stack)
    stack.payments.press(checkout(anna, "Premium for a month", "🔁 Test payment"), "pay")
    news(anna, "Paid, thank you!")
    anna.send("/subscription")
    shown = eventually(lambda: [one for one in anna.answers() if "/month, Test payment" in one.text], 20)
    sure = tap(shown[0], "Turn off auto-renewal")
    provider = stack.payments["fake"]
    provider.callbacks.lose_next(int(is_callback_lost))
    provider.faults.fail("subscriptions/stop", 503, executed=True)
    page = tap(sure, "Yes, turn it off")
    assert stack.payments.idle(20)
    if is_callback_lost:
        assert says(page.text, "subscription_cancel_failed")
        page = tap(tap(tap(page, "Keep"), "Turn off auto-renewal"), "Yes, turn it off")
    eventually(lambda: any("uto-renewal is off" in one.text for one in (page, *anna.answers())), 20)


@pytest.mark.parametrize(("language", "command", "words"), [
    ("ru", "/payments", "Вы ещё ничего не покупали"),
    ("en", "/payments", "You haven’t bought anything yet"),
    ("ru", "/subscription", "бесплатный тариф"),
    ("en", "/subscription", "free plan"),
    ("ru", "/terms", "Условия"),
    ("en", "/terms", "Terms"),
    ("ru", "/paysupport", "Помощь с оплатой"),
    ("en", "/paysupport", "Payment help"),
])  # fmt: skip
def test_legal_pages_and_contact_are_shown_to_buyers(
    stack: Stack, language: str, command: str, words: str
) -> None:
    anna = speaks(stack, language)
    anna.send(command)
    assert words in anna.answer().text


def test_help_with_a_payment_names_a_contact(stack: Stack) -> None:
    contacts = {"en": "the bot’s owner", "ru": "владельцу бота"}
    chats = {language: speaks(stack, language) for language in contacts}
    chats["en"].send("/paysupport")
    assert "@switchboard_help" in chats["en"].answer().text
    with stack.settings("telegram", SUPPORT_CONTACT=""):
        for language, contact in contacts.items():
            chats[language].send("/paysupport")
            answer = chats[language].answer()
            (link,) = (entity for entity in answer.entities if entity["type"] == "text_link")
            assert link["url"] == "tg://user?id=777000111"
            written = answer.text.encode("utf-16-le")[
                2 * link["offset"] : 2 * (link["offset"] + link["length"])
            ]
            assert written.decode("utf-16-le") == contact


def test_a_product_without_a_description_is_sold_by_its_title(stack: Stack, sql: Sql) -> None:
    sql(
        "insert into products (key, is_active, kind, quantity, texts, position) "
        """values ('plain', true, 'credits', 7, '{"en": {"title": "Seven requests"}}', 99)"""
    )
    sql("insert into product_prices values ('plain', 'RUB', 70), ('plain', 'XTR', 7)")
    anna = speaks(stack)
    anna.pay(checkout(anna, "Seven requests", "Telegram Stars")).wait()
    assert "7 requests" in news(anna, "Paid, thank you!")
    ben = speaks(stack)
    link = checkout(ben, "Seven requests", LABELS["yookassa"])
    assert stack.payments.press(link, "pay").title == "Seven requests"
    eventually(lambda: credits(sql, ben) == 7, 20)


def test_a_wrong_tax_code_disables_only_its_provider(stack: Stack) -> None:
    with stack.settings(RECEIPT_VAT_CODE="13"):
        anna = speaks(stack)
        anna.send("/buy")
        asked = tap(tap(anna.answer(), "100 requests"), "Card (CloudPayments)")
        assert "receipt" in asked.text
        anna.send("anna@example.com")
        page = anna.answer()
        assert "This payment method isn’t responding" in page.text
        assert "Total:" in tap(tap(page, "Back"), "Test payment").text
    alarm = [line for line in stack.function("telegram").raw_log.splitlines() if "checkout_failed" in line][
        -1
    ]
    assert '"ALERT"' in alarm
    assert "RECEIPT_VAT_CODE" in alarm
