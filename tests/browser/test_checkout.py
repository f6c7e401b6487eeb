"""The emulated checkout page of a provider: what the payer sees, and buttons for outcomes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.request import urlopen

import pytest

from shared.payments.providers import load, names
from tests.payments.orders import TIMEOUT, order
from tools.emulator.payments import Invoice
from tools.emulator.stack import Stack

pytestmark = pytest.mark.browser


@pytest.fixture
def checkout(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Create an invoice and return the URL of its checkout."""
    for name, value in stack.env.items():
        monkeypatch.setenv(name, value)

    def make(key: str, currency: str = "RUB", language: str = "en") -> str:
        expires_at = stack.clock.moment() + timedelta(hours=2)  # other tests moved the time
        asked = order(amount=Decimal("1299.00"), currency=currency, language=language, expires_at=expires_at)
        return load(key).create(asked, TIMEOUT).url

    return make


def invoice_of(stack: Stack, url: str) -> Invoice:
    key, number = url.split("/")[-3], url.rsplit("/", maxsplit=1)[-1]
    return stack.payments[key].invoices[number]


@pytest.mark.parametrize(("key", "pay"), [("yookassa", "Оплатить"), ("stripe", "Pay"), ("crypto_pay", "Pay")])
def test_a_payer_pays(
    stack: Stack, window: Callable[..., Any], checkout: Callable[[str], str], key: str, pay: str
) -> None:
    page = window()
    page.goto(url := checkout(key))
    page.get_by_role("button", name=pay).first.click()
    page.get_by_role("status").filter(has_text="Paid").wait_for()
    assert invoice_of(stack, url).state == "paid"
    page.locator(".attempts b").first.wait_for(
        timeout=20_000
    )  # the page looks again while something is under way
    assert page.locator(".pay").is_disabled()
    assert page.locator(".pay").inner_text() == {"Pay": "✓ Paid", "Оплатить": "✓ Оплачено"}[pay]
    page.locator(".return").click()
    page.locator("#line-state[data-state=up]").wait_for(state="attached")


def test_the_outcome_is_shown_with_a_link_back(
    stack: Stack, window: Callable[..., Any], checkout: Callable[[str], str]
) -> None:
    page = window(color_scheme="dark")
    page.goto(checkout("yookassa"))
    page.get_by_role("button", name="Decline").click()
    page.get_by_text("Declined by the bank").wait_for()
    page.get_by_role("link", name="Back to the chat").click()
    page.locator("#line-state[data-state=up]").wait_for(state="attached")


def test_only_possible_actions_are_offered(
    window: Callable[..., Any], checkout: Callable[[str], str]
) -> None:
    from playwright.sync_api import expect

    page = window()
    page.goto(checkout("yookassa"))
    early, late = ("Decline", "Pay later", "Wrong amount", "Let it expire"), ("Refund",)
    for name in early:
        expect(page.get_by_role("button", name=name)).to_be_enabled()
    for name in late:
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    page.get_by_text("Not possible now").click()
    expect(page.locator(".refused")).to_contain_text("Nothing is paid that could be given back.")
    page.get_by_role("button", name="Оплатить").click()
    page.get_by_role("status").filter(has_text="Paid").wait_for()
    for name in early:
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    for name in (*late, "Deliver twice", "Forge"):
        expect(page.get_by_role("button", name=name)).to_be_enabled()
    page.get_by_role("button", name="Refund").click()
    page.get_by_role("status").filter(has_text="Refunded").wait_for()
    page.get_by_text("Not possible now").click()
    expect(page.locator(".refused li").last).to_contain_text("It is refunded already.")


@pytest.mark.parametrize(("key", "currency", "money"), [
    ("stripe", "USD", "$1,299.00"), ("stripe", "KZT", "1,299.00 ₸"), ("yookassa", "RUB", "1 299,00 ₽"),
])  # fmt: skip
def test_money_is_written_as_the_provider_does(
    window: Callable[..., Any], checkout: Callable[..., str], key: str, currency: str, money: str
) -> None:
    page = window()
    page.goto(checkout(key, currency))
    assert page.locator(".amount").inner_text().replace("\N{NO-BREAK SPACE}", " ") == money


@pytest.mark.parametrize(("key", "language", "pay"), [
    ("stripe", "ru", "Оплатить 1\xa0299,00\xa0₽"), ("stripe", "en", "Pay 1,299.00\xa0₽"),
    ("cloudpayments", "ru", "Оплатить 1\xa0299,00\xa0₽"), ("cloudpayments", "en", "Pay 1,299.00\xa0₽"),
])  # fmt: skip
def test_a_page_has_the_language_that_the_shop_asks_for(
    stack: Stack, checkout: Callable[..., str], key: str, language: str, pay: str
) -> None:
    with urlopen(checkout(key, language=language), timeout=5) as page:
        html = page.read().decode()
    assert f'<html lang="{language}">' in html
    assert f">{pay}</button>" in html


@pytest.mark.parametrize("key", sorted(set(names()) - {"telegram_stars"}))
def test_nothing_overflows_the_page(
    window: Callable[..., Any], checkout: Callable[[str], str], key: str
) -> None:
    page = window(width=360)
    page.goto(checkout(key))
    page.evaluate("document.querySelectorAll('.refused').forEach((one) => (one.open = true))")
    overflowing = (
        "[...document.querySelectorAll('button')].filter((b) => b.scrollWidth > b.clientWidth).length"
    )
    lines = "[...document.querySelectorAll('.fields b')].map((b) => b.getClientRects().length)"
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(overflowing) == 0
        assert set(page.evaluate(lines)) == {1}, "a number is broken into two lines"
