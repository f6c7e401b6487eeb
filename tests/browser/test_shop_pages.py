"""A purchase on the web in Chromium, through the provider's page; the look of all pages of money."""

from __future__ import annotations

from typing import Any

import pytest

from shared.core.texts import text
from tests.browser.site_pages import Open, contrasts, keep, needs_axe, violations
from tests.browser.test_login_pages import begin, confirm
from tests.browser.test_mini_app import address, phone
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

pytestmark = pytest.mark.browser
__all__ = ["phone"]  # a fixture
# What the provider's page says, and the provider that a buyer in this language chooses.
PAY = {"en": ("stripe", "Pay"), "ru": ("yookassa", "Оплатить")}


def enter(stack: Stack, browser_page: Open, language: str, width: int, scheme: str = "light") -> Any:
    """Log a new user in; return their chat and the page of the shop."""
    anna = stack.telegram.user("Anna", language).chat("assistant")
    page = browser_page(f"{stack.url}/console/buy", width, scheme, locale=language)
    confirm(anna, begin(page, language))
    page.wait_for_url("**/buy*")
    return anna, page


def look(page: Any, name: str) -> None:
    """Keep a picture of a page, and check that it fits and can be read."""
    keep(page, name)
    wide = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide[0] <= wide[1], f"{name} scrolls sideways"
    assert contrasts(page) == []


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_purchase(stack: Stack, browser_page: Open, sql: Any, language: str, width: int) -> None:
    anna, page = enter(stack, browser_page, language, width)
    name = f"{language}-{width}"
    look(page, f"shop-{name}")
    page.locator("a[href*='credits_100']").first.click()
    provider, pay = PAY[language]
    page.locator(f"input[value^='{provider}:']").first.check()
    contact = page.locator("#contact")
    if language == "ru":
        contact.fill("anna@example.com")
    else:
        assert contact.count() == 0 or not contact.is_visible(), "Stripe needs none"
    look(page, f"product-{name}")
    page.get_by_role("button", name=text(language, "shop_continue")).click()
    page.wait_for_url("**/account/orders/*")
    look(page, f"order-open-{name}")
    own = page.url
    page.locator("#order a.button").click()
    page.get_by_role("button", name=pay).first.click()
    page.get_by_role("status").filter(has_text="Paid").wait_for()
    page.locator(".return").click()
    page.wait_for_url(own)
    page.locator("[data-is=paid]").wait_for(timeout=30_000)
    look(page, f"order-paid-{name}")
    assert page.get_by_text(text(language, "order_about_paid")).is_visible()
    (row,) = sql("select bonus_credits from users where telegram_id = %s", anna.id)
    assert row["bonus_credits"] == 100


def test_the_page_of_an_order_updates_itself_and_works_without_scripts(
    stack: Stack, browser_page: Open
) -> None:
    _, page = enter(stack, browser_page, "en", 1280)
    page.locator("a[href*='credits_100']").first.click()
    page.locator("input[value^='fake:']").check()
    page.get_by_role("button", name=text("en", "shop_continue")).click()
    page.wait_for_url("**/account/orders/*")
    cookies = page.context.cookies()
    plain = browser_page(f"{stack.url}/console/login", 390, java_script_enabled=False)
    plain.context.add_cookies(cookies)
    plain.goto(page.url)
    assert plain.locator(".tag").inner_text() == text("en", "order_open")
    stack.payments.press(page.locator("#order a.button").get_attribute("href"), "pay")
    page.locator("[data-is=paid]").wait_for(timeout=30_000)
    plain.reload()
    assert plain.locator(".tag").inner_text() == text("en", "order_paid")


def test_a_purchase_in_a_mini_app(stack: Stack, phone: Open, sql: Any) -> None:
    anna = stack.telegram.user("Anna", "en")
    page = phone(address(stack, anna, at="/buy/credits_100"))
    page.locator("input[value^='fake:']").check()
    page.get_by_role("button", name=text("en", "shop_continue")).click()
    page.locator("[data-is=open]").wait_for()
    stack.payments.press(page.locator("#order a.button").get_attribute("href"), "pay")
    page.locator("[data-is=paid]").wait_for(timeout=30_000)
    assert page.get_by_text(text("en", "order_about_paid")).is_visible()


PAGES = ("account/plan", "account/balance", "account/purchases", "account/referrals", "account/promo", "buy",
         "buy/premium_month", "buy/premium_month?gift=1", "account/gifts")  # fmt: skip


def rich(sql: Any, chat: Chat) -> None:
    """Give a user something to look at on every page."""
    for n, amount in enumerate((500, -149, 1200)):
        sql("select adjust_balance(%s, %s, 'admin', %s)", chat.id, amount, f"admins:{chat.id}:{n}")
    user = sql("select id from users where telegram_id = %s", chat.id)[0]["id"]
    sql(
        "insert into orders (user_id, product_key, provider, currency, amount, kind, bot, expires_at, status)"
        " select %s, 'credits_100', 'stripe', 'USD', n, 'credits', 'assistant', now(), 'canceled'"
        " from generate_series(1, 5) n",
        user,
    )
    sql("insert into promocodes (code, kind, value) values ('HALF', 'percent', 50) on conflict do nothing")
    sql("select redeem_promocode(%s, 'HALF')", user)
    sql(
        """with paid as (
             insert into payments (provider, provider_payment_id, user_id, status, currency, amount,
                                   completed_at)
             select 'stripe', format('look-%%s-%%s', %s::bigint, n), %s, 'completed', 'USD', 5.99, now()
               from generate_series(1, 4) as n
             returning id)
           insert into gifts (payment_id, user_id, bot, product_key, plan, period,
                              taken_at, expires_at, revoked_at)
           select p.id, %s, 'assistant', 'premium_month', 'PREMIUM', 'month',
                  case p.n when 2 then now() end, now() + (2 - p.n) * interval '1 day',
                  case p.n when 4 then now() end
             from (select id, row_number() over (order by id) as n from paid) as p""",
        user,
        user,
        user,
    )


@needs_axe
@pytest.mark.parametrize(("language", "width", "scheme"), [
    ("en", 390, "dark"), ("ru", 390, "light"), ("en", 1280, "light"), ("ru", 1280, "dark"),
    ("ru", 320, "dark"),
])  # fmt: skip
def test_every_page_fits_and_axe_finds_nothing(
    stack: Stack, browser_page: Open, sql: Any, language: str, width: int, scheme: str
) -> None:
    anna, page = enter(stack, browser_page, language, width, scheme)
    rich(sql, anna)
    for path in PAGES:
        page.goto(f"{stack.url}/console/{path}")
        look(page, f"{path.replace('/', '-')}-{language}-{width}-{scheme}")
        assert violations(page) == []


def test_a_product_is_bought_by_keyboard(stack: Stack, browser_page: Open) -> None:
    _, page = enter(stack, browser_page, "en", 390)
    page.goto(f"{stack.url}/console/buy/credits_100")
    page.locator("input[name=option]:checked").focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.checked")
    page.locator("input[value^='stripe:']").focus()
    page.keyboard.press("Space")
    reached = ""
    for _ in range(4):
        page.keyboard.press("Tab")
        reached = page.evaluate("document.activeElement.textContent.trim()")
        if reached == text("en", "shop_continue"):
            break
    assert reached == text("en", "shop_continue")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    page.keyboard.press("Enter")
    page.wait_for_url("**/account/orders/*")
