"""A complete purchase: chat, shop, checkout, confirmation, history."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.browser.test_emulator_page import answers, say, switch_to_new_user
from tests.support import thorough

pytestmark = pytest.mark.browser
Sql = Callable[..., list[dict[str, Any]]]
Window = Callable[..., Any]
PICTURES = os.environ.get("PICTURES")  # a folder: what was seen on the way is kept there, to be looked at


@dataclass(frozen=True)
class Words:
    """The texts of the purchase in one language."""

    language: str
    shop: str
    group: str
    product: str
    steps: tuple[str, ...]  # from the product to the provider
    way: str
    contact: str  # asked for where a receipt is due
    to_pay: str
    pay: str  # on the provider's page
    paid: str
    history: str
    status: str


RUSSIAN = Words(
    language="ru",
    shop="Что хотите купить?",
    group="Пакеты запросов",
    product="100 запросов",
    steps=("Карта ·", "Ещё"),
    way="Карта или СБП (ЮKassa)",
    contact="чек",
    to_pay="Оплатить",
    pay="Оплатить",
    paid="Оплачено, спасибо!",
    history="Ваши платежи",
    status="Оплачено",
)
ENGLISH = Words(
    language="en",
    shop="What would you like to buy?",
    group="Extra requests",
    product="100 requests",
    steps=("Card ·",),
    way="Card (Stripe)",
    contact="",
    to_pay="Pay $",
    pay="Pay",
    paid="Paid, thank you!",
    history="Your payments",
    status="Paid",
)


@pytest.mark.parametrize(("words", "width"), [
    pytest.param(RUSSIAN, 390, id="ru-phone"),  # the longer words in the narrower window
    pytest.param(ENGLISH, 1440, id="en-desktop"),
    pytest.param(RUSSIAN, 1440, id="ru-desktop", marks=thorough),
    pytest.param(ENGLISH, 390, id="en-phone", marks=thorough),
])  # fmt: skip
def test_a_purchase_from_start_to_history(window: Window, sql: Sql, words: Words, width: int) -> None:
    from playwright.sync_api import expect

    page = window(width, 844 if width < 700 else 900)

    def look(at: Any, step: str) -> None:
        assert at.evaluate("document.documentElement.scrollWidth") <= width, f"{step} hangs over the edge"
        if PICTURES:
            at.screenshot(path=Path(PICTURES) / f"{words.language}-{width}-{step}.png")

    become(page, words.language, width)
    say(page, "/buy")
    expect(answers(page).last).to_contain_text(words.shop)
    look(page, "1-shop")
    for number, step in enumerate((words.group, words.product, *words.steps)):
        key(page, step).first.click()
        look(page, f"2-step-{number}")
    expect(key(page, words.way).first).to_be_visible()
    key(page, words.way).first.click()
    if words.contact:
        expect(answers(page).last).to_contain_text(words.contact)
        look(page, "3-receipt")
        say(page, "nina@example.com")
    button = key(page, words.to_pay).last
    expect(button).to_be_visible()
    look(page, "4-to-pay")

    with page.context.expect_page() as opened:
        button.click()
    till = opened.value
    expect(till.locator("h1")).to_contain_text(words.product)
    look(till, "5-till")
    till.get_by_role("button", name=words.pay).first.click()
    expect(till.get_by_role("status")).to_have_text("Paid")
    expect(till.locator(".attempts b").first).to_have_text("200", timeout=20_000)
    look(till, "6-paid")
    till.close()

    expect(answers(page).last).to_contain_text(words.paid, timeout=30_000)
    look(page, "7-news")
    say(page, "/payments")
    expect(answers(page).last).to_contain_text(words.history)
    expect(answers(page).last).to_contain_text(words.product)
    expect(answers(page).last).to_contain_text(words.status)
    look(page, "8-history")
    user = int(page.evaluate("localStorage.getItem('user')"))
    (row,) = sql("select bonus_credits from users where telegram_id = %s", user)
    assert row == {"bonus_credits": 100}


def key(page: Any, words: str) -> Any:
    """A button under a message."""
    return page.locator(".key").filter(has_text=words)


def become(page: Any, language: str, width: int) -> None:
    """Become a new user; on a phone the users have their own view."""
    if width < 700:
        page.get_by_role("navigation", name="Views").get_by_role("button", name="Users").click()
    switch_to_new_user(page, {"ru": "Нина", "en": "Nina"}[language], language)
