"""Promo codes: by command, as a message, by link; discounts on purchases; codes of admins."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from shared.core import texts
from tests.stories.test_buy import LABELS, link_of, news, speaks, tap
from tests.supabase.payments.promocodes import failed_attempts_of, new_code, row_of
from tests.support import eventually, says
from tests.telegram.test_crashes import LATER
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram import Answer, Chat

Sql = Callable[..., list[dict[str, Any]]]


def ask(chat: Chat, text: str) -> Answer:
    """Send a message and return the bot's answer."""
    chat.send(text).wait(timeout=20)
    return chat.answer()


def labels(answer: Answer) -> list[str]:
    return [button.text for row in answer.buttons for button in row]


def user_row(sql: Sql, chat: Chat) -> dict[str, Any]:
    (row,) = sql("select * from users where telegram_id = %s", chat.id)
    return row


GIVEN = {
    ("ru", "credits"): ("Начислено: 50 бонусных запросов", 50),
    ("ru", "month"): ("Тариф «Премиум» активен до", 1),
    ("ru", "trainings"): ("Начислено: 2 бесплатные тренировки", 2),
    ("ru", "percent"): ("Скидка 20% на следующую разовую покупку", 20),
    ("en", "credits"): ("You got 50 bonus requests", 50),
    ("en", "month"): ("Your Premium plan is active until", 1),
    ("en", "trainings"): ("You got 1 free training.", 1),
    ("en", "percent"): ("You get 20% off your next one-time purchase", 20),
}


@pytest.mark.parametrize(("language", "kind"), GIVEN)
def test_the_command_redeems_a_code(stack: Stack, sql: Sql, language: str, kind: str) -> None:
    words, value = GIVEN[language, kind]
    anna, code = speaks(stack, language), new_code(sql, kind, value)

    answer = ask(anna, f"/promo {code.lower()}").text

    assert code in answer
    assert words in answer
    assert {"ru": "принят", "en": "applied"}[language] in answer
    again = ask(anna, f"/promo {code}").text
    expected = {"ru": ("уже использовали", "уже применён"), "en": ("already used", "already added")}[language]
    assert expected[kind == "percent"] in again
    assert row_of(sql, code)["uses"] == 1


@pytest.mark.parametrize(("language", "words"), [
    ("ru", ("Пришлите его следующим", "нет. Проверьте", "не похоже на промокод", "больше не действует",
            "лимит активаций исчерпан", "начнёт действовать 01.01.2099", "Попробуйте завтра")),
    ("en", ("Send it in your next", "There’s no promo code", "doesn’t look like", "has expired",
            "has reached its limit", "starts on 1 Jan 2099", "Try again tomorrow")),
])  # fmt: skip
def test_a_code_that_cannot_be_redeemed_is_explained(
    stack: Stack, sql: Sql, language: str, words: tuple[str, ...]
) -> None:
    asks, unknown, malformed, expired, used_up, not_yet, too_many = words
    anna = speaks(stack, language)
    assert asks in ask(anna, "/promo").text
    assert unknown in ask(anna, "NO-SUCH-CODE").text
    assert expired in ask(anna, new_code(sql, is_active=False)).text
    assert malformed in ask(anna, "/promo какой-то код").text
    assert failed_attempts_of(sql, user_row(sql, anna)["id"]) == 2
    assert used_up in ask(anna, f"/promo {new_code(sql, max_uses=1, uses=1)}").text
    later = new_code(sql, valid_from="2099-01-01 12:00:00+03")
    assert not_yet in ask(anna, f"/promo {later}").text
    sql("update promocode_attempts set failed_attempts = 10 where user_id = %s", user_row(sql, anna)["id"])
    assert too_many in ask(anna, f"/promo {new_code(sql)}").text
    assert user_row(sql, anna)["bonus_credits"] == 0


def test_a_code_can_be_sent_alone_and_corrected_once(stack: Stack, sql: Sql) -> None:
    anna, code = speaks(stack), new_code(sql)
    assert "Have a promo code? /promo" in ask(anna, "/buy").text
    asked = ask(anna, "/promo")
    assert "Send it in your next message" in asked.text
    assert "There’s no promo code" in ask(anna, code + "X").text
    assert "applied!" in ask(anna, code).text
    assert user_row(sql, anna)["bonus_credits"] == 50
    # From now on words are words again: they go to the AI, and are no code.
    assert "promo code" not in ask(anna, "hello there, how are you?").text


FORMS = {
    "line break": "/promo\n{}", "no-break space": "/promo\u00a0{}", "zero width": "/promo {}\u200b",
    "zero width within": "/promo T\u200bEST\u2060{rest}", "byte order mark": "/promo \ufeff{}",
    "guillemets": "/promo «{}»", "curly quotes": "/promo “{}”", "backticks": "/promo `{}`",
    "full stop": "/promo {}.", "sentence": "/promo ({})!", "bold": "/promo **{}**", "hashtag": "/promo #{}",
    "emoji": "/promo 🎁{}🎁", "emoji apart": "/promo 🔥 Code: {} ✅",
    "label": "/promo Code: {}", "Russian label": "/promo Промокод {}.", "full width": "/promo ＴＥＳＴ{rest}",
    "other hyphens": "/promo {hyphens}", "long dash": "/promo {dashes}",
    "Cyrillic letters": "/promo ТЕЅТ{rest}", "link": "/promo https://t.me/some_bot?start=promo_{}",
    "payload": "/promo promo_{}", "link's payload": "/start promo_{}.",
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_pasted_code_is_cleaned(stack: Stack, sql: Sql, form: str) -> None:
    anna, code = speaks(stack), new_code(sql)
    forms = {"rest": code[4:], "hyphens": code.replace("-", "\u2011"), "dashes": code.replace("-", "—")}
    assert "applied!" in ask(anna, FORMS[form].format(code, **forms)).text
    assert user_row(sql, anna)["bonus_credits"] == 50


def test_a_dash_is_read_as_two_hyphens(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    sql("insert into promocodes (code, kind, value) values ('TWO--HYPHENS', 'credits', 50)")
    assert "applied!" in ask(anna, "/promo two—hyphens").text
    assert "There’s no promo code TWO-HYPHENZ" in ask(anna, "/promo two—hyphenz").text
    assert failed_attempts_of(sql, user_row(sql, anna)["id"]) == 1, "two readings are one try"


@pytest.mark.parametrize("malformed", ["what is this?", "x", "a" * 33, "скидка", "http://example.com/a"])
def test_after_a_malformed_code_messages_go_to_the_ai(stack: Stack, sql: Sql, malformed: str) -> None:
    anna, code = speaks(stack), new_code(sql)
    ask(anna, "/promo")
    answer = ask(anna, malformed)
    assert "doesn’t look like a promo code" in answer.text
    for words in ("hello", code):
        stack.ai.next(AiBehaviour(text="An answer."))
        assert ask(anna, words).text == "An answer."
    assert "Send it in your next message" in tap(answer, "Try another code").text
    assert "applied!" in ask(anna, f"  «{code}».").text
    assert failed_attempts_of(sql, user_row(sql, anna)["id"]) == 0


@pytest.mark.parametrize("words", ["hello", "Thanks!", "what is the weather?", "а какие есть?"])
def test_after_an_unknown_code_other_text_goes_to_the_ai(stack: Stack, sql: Sql, words: str) -> None:
    anna, code = speaks(stack), new_code(sql)
    assert "There’s no promo code" in ask(anna, "/promo nosuchcode").text
    stack.ai.next(AiBehaviour(text="An answer."))
    assert ask(anna, words).text == "An answer."
    stack.ai.next(AiBehaviour(text="Another answer."))
    assert ask(anna, code).text == "Another answer.", "nothing is awaited any more"
    assert failed_attempts_of(sql, user_row(sql, anna)["id"]) == 1


def test_a_second_unknown_code_ends_the_waiting(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    ask(anna, "/promo nosuchcode")
    answer = ask(anna, "nosuchcodes")
    assert "There’s no promo code NOSUCHCODES" in answer.text
    assert labels(answer)[0] == "Try another code"
    stack.ai.next(AiBehaviour(text="An answer."))
    assert ask(anna, "nosuchcode").text == "An answer."


@pytest.mark.parametrize("leave", ["‹ Menu", "Cancel"])
def test_the_menu_ends_the_waiting(stack: Stack, leave: str) -> None:
    anna = speaks(stack)
    shop = ask(anna, "/buy") if leave == "‹ Menu" else None
    asked = ask(anna, "/promo")
    tap(shop or asked, leave)
    stack.ai.next(AiBehaviour(text="An answer."))
    assert ask(anna, "SUMMER").text == "An answer."


def test_cancel_ends_the_waiting_for_a_code(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    asked = ask(anna, "/promo")
    tap(asked, "Cancel")
    assert "promo code" not in ask(anna, "NOT-A-CODE-NOW").text
    ask(anna, "/promo")
    assert says(ask(anna, "/cancel").text, "cancel_done")
    assert "promo code" not in ask(anna, "NOT-A-CODE-EITHER").text
    assert failed_attempts_of(sql, user_row(sql, anna)["id"]) == 0


@pytest.mark.parametrize(("language", "hello", "works"), [
    ("ru", "Здравствуйте, Anna!", "принят"), ("en", "Hi, Anna!", "applied!"),
])  # fmt: skip
def test_a_link_redeems_a_code_for_a_new_user(
    stack: Stack, sql: Sql, language: str, hello: str, works: str
) -> None:
    code = new_code(sql)
    anna = stack.telegram.user("Anna", language_code=language).chat("assistant")
    answer = ask(anna, f"/start promo_{code}").text
    assert hello in answer
    assert works in answer
    assert user_row(sql, anna)["bonus_credits"] == 50
    again = ask(anna, f"/start promo_{code.lower()}").text
    assert {"ru": "уже использовали", "en": "already used"}[language] in again


def test_a_link_and_an_invitation_both_count(stack: Stack, sql: Sql) -> None:
    ben = speaks(stack)
    anna = stack.telegram.user("Anna", language_code="en").chat("assistant")
    ask(anna, f"/start ref_{user_row(sql, ben)['referral_code']}")
    ask(anna, f"/start promo_{new_code(sql)}")
    ask(anna, "a first question")
    assert user_row(sql, anna)["bonus_credits"] == 55
    assert user_row(sql, ben)["bonus_credits"] == 10


@pytest.mark.parametrize("payload", ["promo_", "promo_x", "promo_NOSUCHCODE"])
def test_an_invalid_link_still_welcomes_the_user(stack: Stack, payload: str) -> None:
    anna = stack.telegram.user("Anna", language_code="en").chat("assistant")
    answer = ask(anna, f"/start {payload}").text
    assert says(answer, "welcome_unlimited", name="Anna")
    assert "promo code" in answer


def test_codes_are_not_redeemed_in_groups(stack: Stack, sql: Sql) -> None:
    user, code = stack.telegram.user("Anna"), new_code(sql)
    ask(user.chat("assistant"), "/start")
    group = stack.telegram.group("Team", [user], ["assistant"])
    username = stack.telegram.bot("assistant").username
    group.by(user).send(f"/promo@{username} {code}").wait(timeout=20)
    assert says(group.by(user).answer().text, "private_only")
    assert row_of(sql, code)["uses"] == 0


@pytest.mark.parametrize(("statement", "when"), [
    ("redeem_promocode", "before"), ("redeem_promocode", "after"), ("finish_update", "before"),
])  # fmt: skip
def test_a_killed_worker_redeems_a_code_once_and_answers(
    stack: Stack, sql: Sql, clock: Callable[[str], None], statement: str, when: Any
) -> None:
    anna, code = speaks(stack), new_code(sql, "month", 1, max_uses=1)
    stack.database.on(statement, when=when, do=lambda: stack.function("telegram").kill())
    sent = anna.send(f"/promo {code}")
    eventually(lambda: not stack.function("telegram").pid, 20)
    clock(LATER)
    stack.function("telegram").restart()
    stack.telegram.retry_now()
    sent.wait(timeout=20)
    assert "Your Premium plan is active until" in anna.answer().text
    assert row_of(sql, code)["uses"] == 1
    (lasts,) = sql(
        "select count(*) as n, max(ends_at - starts_at) < interval '32 days' as is_a_month "
        "from subscriptions where user_id = %s",
        user_row(sql, anna)["id"],
    )
    assert lasts == {"n": 1, "is_a_month": True}


def test_without_a_database_redeeming_is_unavailable(stack: Stack, sql: Sql) -> None:
    anna, code = speaks(stack), new_code(sql)
    stack.database.down()
    # A message of the second in which the function was restarted may have been delivered to its predecessor.
    time.sleep(1)
    anna.send(f"/promo {code}")
    assert says(anna.answer(30).text, "offline_unavailable")
    stack.database.up()
    assert row_of(sql, code)["uses"] == 0


# Buying with a discount -------------------------------------------------------------------------------------

BUYING = {
    "ru": {
        "product": "100 запросов", "other": "1\u00a0000 запросов", "stars_name": "Звёзды Telegram",
        "shop": "Скидка 20% на следующую разовую покупку",
        "excluded": "она не действует на автопродление и пополнение баланса.",
        "stars": "80\u00a0⭐ вместо 100\u00a0⭐",
        "roubles": "119,20\u00a0₽ вместо 149\u00a0₽", "pay": "К оплате: 119,20\u00a0₽ вместо 149\u00a0₽",
        "pay_stars": "К оплате: 80\u00a0⭐ вместо 100\u00a0⭐", "paid": "Оплачено, спасибо!", "way": "ЮKassa",
        "way_stars": "Звёзды Telegram · 80", "too_late": "Срок этого счёта истёк", "full": "К оплате: 149",
    },
    "en": {
        "product": "100 requests", "other": "1,000 requests", "stars_name": "Telegram Stars",
        "shop": "20% off your next one-time purchase",
        "excluded": "Doesn’t apply to auto-renewing plans or top-ups.",
        "roubles": "$1.59 instead of $1.99",
        "stars": "80\u00a0⭐ instead of 100\u00a0⭐", "pay": "Total: $1.59 instead of $1.99",
        "pay_stars": "Total: 80\u00a0⭐ instead of 100\u00a0⭐", "paid": "Paid, thank you!", "way": "Stripe",
        "way_stars": "Telegram Stars · 80", "too_late": "This invoice has expired", "full": "Total: $1.99",
    },
}  # fmt: skip


def shop_of(anna: Chat) -> Answer:
    """Return the message of /buy, ignoring other messages."""
    anna.send("/buy").wait(timeout=20)
    words = ("Что хотите купить?", "What would you like to buy?")
    found = eventually(lambda: [one for one in anna.answers() if one.text[2:].startswith(words)], 20)
    shop: Answer = found[-1]
    return shop


def answers_contact(anna: Chat, page: Answer) -> Answer:
    """Send a receipt contact if the bot asks for one."""
    return ask(anna, "anna@example.com") if ("чек" in page.text or "receipt" in page.text) else page


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_next_purchase_costs_less_with_a_provider(stack: Stack, sql: Sql, language: str) -> None:
    words = BUYING[language]
    anna, code = speaks(stack, language), new_code(sql, "percent", 20)
    shop = tap(ask(anna, f"/promo {code}"), {"ru": "Купить", "en": "Buy"}[language])
    assert words["shop"] in shop.text
    assert words["excluded"] in shop.text
    product = tap(shop, words["product"])
    assert words["roubles"] in product.text
    assert words["stars"] in product.text
    page = answers_contact(anna, tap(product, words["way"]))
    assert words["pay"] in page.text

    stack.payments.press(link_of(page), "pay")

    news(anna, words["paid"])
    assert user_row(sql, anna)["bonus_credits"] == 100
    (order,) = sql(
        "select o.amount, o.full_amount, o.status, p.amount as paid from orders o "
        "join payments p on p.order_id = o.id where o.user_id = %s",
        user_row(sql, anna)["id"],
    )
    assert order["amount"] == order["paid"] < order["full_amount"]
    assert order["status"] == "completed"
    shop = shop_of(anna)
    assert "20%" not in shop.text
    page = answers_contact(anna, tap(tap(shop, words["product"]), words["way"]))
    assert words["full"] in page.text
    assert sql("select * from check_payments()") == []


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_next_purchase_costs_less_in_stars(stack: Stack, sql: Sql, language: str) -> None:
    words = BUYING[language]
    anna, code = speaks(stack, language), new_code(sql, "percent", 20)
    ask(anna, f"/promo {code}")
    page = tap(tap(ask(anna, "/buy"), words["product"]), words["way_stars"])
    assert words["pay_stars"] in page.text
    other = tap(tap(ask(anna, "/buy"), words["product"]), words["way_stars"])
    assert link_of(other) == link_of(page), "the same choice, the same order"
    another = tap(tap(ask(anna, "/buy"), words["other"]), words["stars_name"])
    assert words["too_late"] in anna.pay(link_of(page)).wait("refused").error  # the discount is for one
    assert words["pay_stars"] in tap(tap(ask(anna, "/buy"), words["product"]), words["way_stars"]).text
    assert words["too_late"] in anna.pay(link_of(another)).wait("refused").error

    anna.pay(link_of(anna.answers()[-1])).wait()

    news(anna, words["paid"])
    assert user_row(sql, anna)["bonus_credits"] == 100
    rows = sql("select distinct amount from payments where user_id = %s", user_row(sql, anna)["id"])
    assert [float(row["amount"]) for row in rows] == [80]
    assert sql("select * from check_payments()") == []


@pytest.mark.parametrize(("language", "title", "repeats", "full", "says"), [
    ("ru", "Премиум на месяц", "🔁 Звёзды Telegram", "350", "При автопродлении цена полная"),
    ("en", "Premium for a month", "🔁 Telegram Stars", "350", "Auto-renewal is full price"),
])  # fmt: skip
def test_renewing_products_get_no_discount(
    stack: Stack, sql: Sql, language: str, title: str, repeats: str, full: str, says: str
) -> None:
    anna, code = speaks(stack, language), new_code(sql, "percent", 20)
    ask(anna, f"/promo {code}")
    product = tap(ask(anna, "/buy"), title)
    assert says in product.text
    once = tap(product, {"ru": "Один раз", "en": "Pay once"}[language])
    assert "20%" in once.text
    assert says not in once.text, "this was chosen already"
    product = tap(once, {"ru": "Назад", "en": "Back"}[language])
    methods = tap(product, {"ru": "Автопродление ·", "en": "Auto-renew ·"}[language])
    assert "20%" not in methods.text
    page = tap(methods, repeats.removeprefix("🔁 "))
    assert full in page.text
    anna.pay(link_of(page)).wait()
    news(anna, {"ru": "оплачено, спасибо!", "en": "Paid, thank you!"}[language])
    assert "20%" in shop_of(anna).text, "it still waits"


def test_a_wrong_amount_for_a_discounted_order_gives_nothing(stack: Stack, sql: Sql) -> None:
    anna, code = speaks(stack), new_code(sql, "percent", 20)
    ask(anna, f"/promo {code}")
    page = tap(tap(ask(anna, "/buy"), "100 requests"), LABELS["fake"])
    stack.payments.press(link_of(page), "wrong_amount")
    eventually(lambda: sql(
        "select from payments p join orders o on o.id = p.order_id "
        "where p.problem = 'amount' and o.user_id = %s",
        user_row(sql, anna)["id"],
    ), 20)  # fmt: skip
    assert user_row(sql, anna)["bonus_credits"] == 0
    assert "20%" in shop_of(anna).text


# Made by an admin, redeemed by a user ---------------------------------------------------------------------


@pytest.mark.parametrize(("language", "words"), [
    ("ru", {"gives": "скидка 20%", "on": "действует", "off": "выключен", "uses": "1 из 100",
            "note": "для своих",
            "switch_off": "Выключить", "switch_on": "Включить", "taken": "уже",
             "all": "Все промокоды",
            "audit": "промокод создан", "none": "нет. Создать",
            "bad": "Скидка: укажите целое число от 1 до 99"}),
    ("en", {"gives": "20% off", "on": "Status: on", "off": "Status: off", "uses": "1 of 100",
            "note": "для своих",
            "switch_off": "Turn off", "switch_on": "Turn on", "taken": "already",
            "all": "All promo codes",
            "audit": "promo code created", "none": "There’s no promo code",
            "bad": "Discount: enter a whole number from 1 to 99"}),
])  # fmt: skip
def test_an_admin_makes_a_code_and_switches_it_off(
    stack: Stack, appoint: Callable[..., Any], sql: Sql, language: str, words: dict[str, str]
) -> None:
    boss, anna = appoint(language).chat("assistant"), speaks(stack, language)
    code = f"STORY-{language}-{boss.id}".upper()
    assert words["none"] in ask(boss, f"/promocode {code}").text
    assert "SUMMER percent 20 100 30" in ask(boss, f"/promocode {code} percent").text
    assert words["bad"] in ask(boss, f"/promocode {code} percent 100").text
    card = ask(boss, f"/promocode {code.lower()} percent 20 100 30 для своих")
    for word in ("gives", "on", "note"):
        assert words[word] in card.text
    link = next(word for word in card.text.split() if word.startswith("https://t.me/"))
    assert words["taken"] in ask(boss, f"/promocode {code} credits 5").text

    assert "20%" in ask(anna, f"/start {link.partition('start=')[2]}").text

    card = ask(boss, f"/promocode {code}")
    assert words["uses"] in card.text
    card.tap(next(label for label in labels(card) if words["switch_off"] in label)).wait()
    off = card.wait_for_edit()
    assert words["off"] in off.text
    assert {"ru": "больше не действует", "en": "has expired"}[language] in ask(
        speaks(stack, language), f"/promo {code}"
    ).text
    off.tap(next(label for label in labels(off) if words["switch_on"] in label)).wait()
    card = off.wait_for_edit()
    assert words["on"] in card.text
    listed = tap(card, words["all"])
    assert code in listed.text
    assert code in labels(listed)
    audit = ask(boss, "/audit").text
    assert code in audit
    assert words["audit"] in audit


BAD = ("code", "kind", "percent", "month", "credits", "trainings", "uses", "days")
FAULTS = {
    "AB": ["code"],
    "ПРОМО": ["code"],
    "AB percent 200": ["code", "percent"],
    "{code} percent 0": ["percent"],
    "{code} percent 20%": ["percent"],
    "{code} month 37": ["month"],
    "{code} credits 1000001": ["credits"],
    "{code} trainings 1001": ["trainings"],
    "{code} trainings -1": ["trainings"],
    "{code} stars 5": ["kind"],
    "{code} percent 20 0": ["uses"],
    "{code} percent 20 1000001": ["uses"],
    "{code} percent 20 many": ["uses"],
    "{code} percent 20 - 3661": ["days"],
    "{code} percent 20 - 0 note": ["days"],
    "{code} stars 5 0 0": ["kind", "uses", "days"],
}


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_code_with_invalid_values_lists_every_reason(
    stack: Stack, appoint: Callable[..., Any], sql: Sql, language: str
) -> None:
    boss = appoint(language).chat("assistant")
    code = f"FAULT-{language}-{boss.id}".upper()
    for words, faults in FAULTS.items():
        answer = ask(boss, f"/promocode {words.format(code=code)}").text
        said = [one for one in BAD if texts.text(language, f"admin_promocode_bad_{one}") in answer]
        assert sorted(said) == sorted(faults), words
    assert sql("select from promocodes where code in (%s, 'AB')", code) == []
    for number, made in enumerate(
        ("month 36", "credits 1000000", "trainings 1000", "percent 99 1000000 3660")
    ):
        ask(boss, f"/promocode {code}-{number} {made}")
        assert sql("select value from promocodes where code = %s", f"{code}-{number}"), made


def test_the_list_of_codes_has_pages(stack: Stack, appoint: Callable[..., Any], sql: Sql) -> None:
    boss = appoint("en").chat("assistant")
    codes = [new_code(sql) for _ in range(9)]
    first = ask(boss, "/promocode")
    assert codes[-1] in first.text
    assert codes[0] not in labels(first)
    second = tap(first, "Older")
    assert codes[0] in second.text
    newest = tap(second, "Newest")
    assert codes[-1] in newest.text
    assert f"?start=promo_{codes[-1]}" in tap(newest, codes[-1]).text
