"""The contact for receipts: asked for again when a provider refuses it, changed and removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.payments.providers import load, names
from tests.ai.raw_server import RawServer, plain
from tests.stories.test_buy import LABELS, LABELS_RU, SAYS, link_of, news, speaks, tap
from tests.support import eventually
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram import Answer, Chat

Sql = Callable[..., list[dict[str, Any]]]
WORDS = {
    "en": {"refused": "use anna@refused.example for your receipt", "button": "Receipt settings",
           "page": "anna@example.com",
           "change": "Change", "remove": "Remove", "ask": "for your receipts", "none": "Not set"},
    "ru": {"refused": "не принимает для чека контакт anna@refused.example", "button": "Контакт для чеков",
           "page": "anna@example.com",
           "change": "Изменить", "remove": "Удалить", "ask": "для чеков", "none": "Не указан"},
}  # fmt: skip


def ask(chat: Chat, text: str) -> Answer:
    chat.send(text).wait(timeout=20)
    return chat.answer(20)


def product(chat: Chat, language: str = "en") -> Answer:
    """Open the shop and return its message, ignoring other messages."""
    shop = ask(chat, "/buy")
    while SAYS[language]["shop"] not in shop.text:
        shop = chat.answer(20)
    return tap(shop, SAYS[language]["product"])


def orders(sql: Sql, chat: Chat) -> list[dict[str, Any]]:
    return sql(
        "select o.provider, o.status, o.contact from orders o join users u on u.id = o.user_id "
        "where u.telegram_id = %s order by o.id",
        chat.id,
    )


@pytest.mark.parametrize("provider", ["yookassa", "cloudpayments"])
@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_refused_contact_is_asked_for_again_and_the_purchase_goes_on(
    stack: Stack, sql: Sql, provider: str, language: str
) -> None:
    anna, says = speaks(stack, language), SAYS[language]
    tap(product(anna, language), (LABELS if language == "en" else LABELS_RU)[provider])
    refused = ask(anna, "anna@refused.example")
    assert WORDS[language]["refused"] in refused.text
    assert [(one["status"], one["contact"]) for one in orders(sql, anna)] == [
        ("canceled", "anna@refused.example")
    ]

    page = ask(anna, "8 (977) 123-45-67")

    assert says["pay"] in page.text
    stack.payments.press(link_of(page), "pay")
    news(anna, says["paid"])
    assert orders(sql, anna)[-1]["contact"] == "+79771234567"
    again = tap(product(anna, language), (LABELS if language == "en" else LABELS_RU)[provider])
    assert says["pay"] in again.text, "it is known now"
    log = stack.function("telegram").raw_log
    assert '"contact_refused"' in log
    assert "refused.example" not in "".join(line for line in log.splitlines() if "contact_refused" in line)


def test_a_shared_contact_is_accepted_like_a_typed_one(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    tap(product(anna), LABELS["yookassa"])
    anna.contact("79771234567").wait(timeout=20)
    page = anna.answer(20)
    assert SAYS["en"]["pay"] in page.text
    assert orders(sql, anna)[-1]["contact"] == "+79771234567"


def test_a_contact_that_was_refused_is_forgotten(stack: Stack) -> None:
    anna = speaks(stack)
    tap(product(anna), LABELS["yookassa"])
    assert "How would you like to pay?" in tap(ask(anna, "anna@refused.example"), "Back").text
    stack.ai.next(AiBehaviour(text="An answer."))
    assert ask(anna, "anna@example.com").text == "An answer.", "nothing is asked for any more"
    assert "receipt" in tap(product(anna), LABELS["yookassa"]).text


@pytest.mark.parametrize("provider", [key for key in names() if not load(key).REQUIRES_CONTACT])
def test_a_provider_that_needs_no_contact_gets_none(stack: Stack, sql: Sql, provider: str) -> None:
    anna = speaks(stack)
    tap(product(anna), LABELS["yookassa"])
    ask(anna, "anna@example.com")
    page = tap(product(anna), LABELS.get(provider, "Telegram Stars"))
    assert "Total:" in page.text
    assert orders(sql, anna)[-1]["contact"] is None
    if provider in ("stripe", "prodamus"):
        invoices = list(stack.payments[provider].invoices.values())
        assert "anna@example.com" not in str(invoices[-1].object)


def test_a_contact_stored_before_validation_is_parsed_again(stack: Stack, sql: Sql) -> None:
    def keeps(contact: str) -> None:
        sql(
            "update bot_sessions "
            "set session_data = session_data || jsonb_build_object('receipt_contact', %s::text) "
            "where chat_id = %s",
            contact, anna.id,
        )  # fmt: skip

    anna = speaks(stack)
    keeps("89771234567")
    assert "Total:" in tap(product(anna), LABELS["yookassa"]).text
    assert orders(sql, anna)[-1]["contact"] == "+79771234567"
    keeps("иван@пример.рф.")
    assert "receipt" in tap(product(anna), LABELS["yookassa"]).text


def test_a_second_invalid_contact_goes_to_the_ai(stack: Stack) -> None:
    anna = speaks(stack)
    tap(product(anna), LABELS["yookassa"])
    assert "doesn’t look like" in ask(anna, "why?").text
    assert "doesn’t look like" in ask(anna, "anna@example").text
    assert "doesn’t look like" in ask(anna, "+7 977 123 45").text, "each attempt gets help"
    stack.ai.next(AiBehaviour(text="An answer."))
    assert ask(anna, "what is the weather?").text == "An answer."
    stack.ai.next(AiBehaviour(text="Another answer."))
    assert ask(anna, "anna@example.com").text == "Another answer."


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_profile_changes_and_removes_the_contact(stack: Stack, sql: Sql, language: str) -> None:
    words, anna = WORDS[language], speaks(stack, language)
    assert words["button"] not in str(ask(anna, "/profile").buttons)
    tap(product(anna, language), (LABELS if language == "en" else LABELS_RU)["yookassa"])
    ask(anna, "anna@example.com")
    page = tap(ask(anna, "/profile"), words["button"])
    assert words["page"] in page.text

    assert words["ask"] in tap(page, words["change"]).text
    page = ask(anna, "8 977 123-45-67")

    assert "+79771234567" in page.text
    page = tap(page, words["remove"])
    assert words["none"] in page.text
    assert words["button"] not in str(ask(anna, "/profile").buttons)
    says = SAYS[language]
    asked = tap(product(anna, language), (LABELS if language == "en" else LABELS_RU)["yookassa"])
    assert says["receipt"] in asked.text


def test_a_renewal_asks_for_another_contact(stack: Stack, sql: Sql, clock: Callable[[str], None]) -> None:
    anna = speaks(stack)
    tap(tap(ask(anna, "/buy"), "Premium for a month"), "🔁 Card or SBP (YooKassa)")
    page = ask(anna, "anna@example.com")
    stack.payments.press(link_of(page), "pay")
    news(anna, "Paid, thank you!")
    sql(
        "update orders set contact = 'anna@refused.example' where user_id = "
        "(select id from users where telegram_id = %s)",
        anna.id,
    )
    clock("clock_timestamp() + interval '32 days'")
    stack.run_job("payments")
    warning = eventually(
        lambda: (
            [one for one in anna.answers() if "didn’t accept your email or phone number" in one.text]
            or (stack.run_job("payments") and None)
        ),
        60,
    )[0]

    tap(warning, "Change email or phone")
    ask(anna, "new@example.com")

    clock("clock_timestamp() + interval '33 days'")
    eventually(
        lambda: (
            [one for one in anna.answers() if "has been renewed until" in one.text]
            or (stack.run_job("payments") and None)
        ),
        60,
    )
    assert orders(sql, anna)[-1]["contact"] == "new@example.com"
    alarms = [line for line in stack.function("scheduled").raw_log.splitlines() if "charge_declined" in line]
    assert '"ALERT"' not in alarms[-1]


REFUSAL = {"type": "error", "code": "invalid_request", "parameter": "amount.value"}


@pytest.mark.parametrize(("status", "body", "words", "severity"), [
    ("400 Bad Request", REFUSAL, "available for this", "ALERT"),
    ("401 Unauthorized", {"type": "error", "code": "invalid_credentials"}, "available for this", "ALERT"),
    ("429 Too Many Requests", {"type": "error"}, "isn’t responding right now", "WARNING"),
    ("503 Service Unavailable", {"type": "error"}, "isn’t responding right now", "WARNING"),
])  # fmt: skip
def test_a_rejected_contact_is_not_an_outage(
    stack: Stack, sql: Sql, status: str, body: dict[str, str], words: str, severity: str
) -> None:
    provider = RawServer()
    provider.next(plain(body, status))
    try:
        anna = speaks(stack)
        with stack.settings(YOOKASSA_API_URL=provider.url):
            tap(product(anna), LABELS["yookassa"])
            assert words in ask(anna, "anna@example.com").text
    finally:
        provider.stop()
    line = [one for one in stack.function("telegram").raw_log.splitlines() if "checkout_failed" in one][-1]
    assert f'"{severity}"' in line
    assert orders(sql, anna)[-1]["status"] == ("canceled" if severity == "ALERT" else "pending")
