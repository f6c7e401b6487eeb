"""“Log in with Telegram” in Chromium, through the fake issuer: agree, or decline."""

from __future__ import annotations

import pytest

from shared.core.texts import text
from tests.browser.site_pages import Open, contrasts, keep
from tests.web.login_ways.test_widget_login import of_widget
from tools.emulator.stack import Stack

pytestmark = pytest.mark.browser
DEVICES = "/console/account/devices"


@pytest.mark.parametrize(("language", "width", "scheme"), [("en", 390, "dark"), ("ru", 1440, "light")])
def test_a_user_agrees_and_is_back_on_the_page(
    stack: Stack, browser_page: Open, language: str, width: int, scheme: str
) -> None:
    anna = stack.telegram.user("Anna Oidc", language)
    page = browser_page(f"{stack.url}{DEVICES}?lang={language}", width, scheme, locale=language)
    keep(page, f"login-ways-{language}-{width}-{scheme}")
    assert contrasts(page) == []
    page.get_by_role("button", name=text(language, "login_at_telegram")).click()
    page.wait_for_url("**/oauth/auth?*")
    page.get_by_role("button", name=anna.account.first_name).last.click()
    page.wait_for_url(f"**{DEVICES}*")
    assert page.get_by_text(text(language, "login_way_telegram")).is_visible()
    assert {cookie["name"] for cookie in page.context.cookies()} == {"language", "session"}
    assert all(cookie["httpOnly"] for cookie in page.context.cookies())


def test_a_user_declines_and_may_choose_again(stack: Stack, browser_page: Open) -> None:
    stack.telegram.user("Anna", "en")
    page = browser_page(f"{stack.url}{DEVICES}?lang=en", 768)
    page.get_by_role("button", name=text("en", "login_at_telegram")).click()
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_url("**/login/callback?*")
    assert page.get_by_role("alert").inner_text() == text("en", "login_refused")
    assert page.get_by_role("button", name=text("en", "login_through_bot")).is_visible()
    page.reload()  # the way back works once
    assert page.get_by_role("alert").inner_text() == text("en", "login_expired")
    page.go_back()


def test_the_form_of_the_widget_comes_from_our_origin(stack: Stack, browser_page: Open) -> None:
    """With the Referrer-Policy no-referrer, Chromium sends `Origin: null`."""
    query = of_widget(stack, stack.telegram.user("Anna", "en"))
    page = browser_page(f"{stack.url}/console/login/widget?{query}", 768)
    page.get_by_role("button").click()
    page.wait_for_url("**/account*")
    assert [cookie["name"] for cookie in page.context.cookies()] == ["session"]
