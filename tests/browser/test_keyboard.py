"""The account without a mouse: order of Tab, focus that can be seen, Enter and Space, a whole purchase."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.core.texts import text
from tests.browser.site_pages import Open
from tests.browser.test_account_pages import PAGES, show, user
from tests.browser.test_shop_pages import enter
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack

pytestmark = pytest.mark.browser
__all__ = ["user"]  # a fixture
Sql = Callable[..., list[dict[str, Any]]]
# Numbers the controls in the order of the page; of a group of radio buttons one has the focus.
NUMBER = """() => {
  const found = [...document.querySelectorAll(
    'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"], video[controls]')]
    .filter((one) => !one.disabled && one.checkVisibility() && (one.type !== 'radio' || one.checked));
  found.forEach((one, index) => { one.dataset.step = index; });
  return found.length;
}"""
FOCUSED = """() => {
  const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
  return {
    step: one.dataset.step === undefined ? -1 : Number(one.dataset.step),
    name: one.outerHTML.slice(0, 120),
    isSeen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0,
    isInView: box.bottom > 0 && box.top < innerHeight,
  };
}"""


def tab_to(page: Any, name: str, most: int = 60) -> None:
    """Press Tab until a control with this text or value has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if name in page.evaluate("document.activeElement.textContent + (document.activeElement.value ?? '')"):
            return
    raise AssertionError(f"Tab does not reach {name!r}")


@pytest.mark.parametrize("width", [360, 1280])
def test_tab_reaches_every_control_in_order_and_shows_it(
    user: Visitor, browser_page: Open, width: int
) -> None:
    for path in (*PAGES, "/buy", "/account/plan", "/account/purchases", "/account/balance"):
        page = show(browser_page, user, path, width, "light")
        count = page.evaluate(NUMBER)
        for step in range(count):
            page.keyboard.press("Tab")
            now = page.evaluate(FOCUSED)
            # The parts of a date and time are stops of their own, with the same element.
            while step and now["step"] == step - 1 and "datetime-local" in now["name"]:
                page.keyboard.press("Tab")
                now = page.evaluate(FOCUSED)
            assert now["step"] == step, f"{path}: {now['name']}"
            assert now["isSeen"], f"{path}: no focus to see on {now['name']}"
            assert now["isInView"], f"{path}: outside of the window: {now['name']}"


def test_the_first_tab_skips_the_menu(user: Visitor, browser_page: Open) -> None:
    page = show(browser_page, user, "/account", 1280, "light")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.url.endswith("#content")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_enter_and_space_press_a_button(user: Visitor, browser_page: Open, key: str) -> None:
    page = show(browser_page, user, "/account/memory", 1280, "light")
    tab_to(page, text("en", "memory_turn_off"))
    page.keyboard.press(key)
    page.get_by_role("status").filter(has_text=text("en", "memory_off_notice")).wait_for()


def test_a_setting_is_changed_and_saved(user: Visitor, browser_page: Open) -> None:
    page = show(browser_page, user, "/account/settings", 1280, "light")
    page.locator("#language").focus()
    page.keyboard.press("ArrowDown")
    if page.locator("#language").input_value() != "ru":
        page.keyboard.press("ArrowUp")
    assert page.locator("#language").input_value() == "ru"
    tab_to(page, text("en", "web_save"))
    page.keyboard.press("Enter")
    page.get_by_role("status").filter(has_text=text("ru", "account_saved_notice")).wait_for()


def test_a_whole_purchase(stack: Stack, browser_page: Open, sql: Sql) -> None:
    anna, page = enter(stack, browser_page, "en", 1280)
    page.goto(f"{stack.url}/console/account")
    tab_to(page, text("en", "shop_menu"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/buy*")
    tab_to(page, "100 requests")
    page.keyboard.press("Enter")
    page.wait_for_url("**/buy/credits_100*")
    page.locator("input[name=option]:checked").focus()
    for _ in range(12):
        if page.evaluate("document.activeElement.value").startswith("stripe:"):
            break
        page.keyboard.press("ArrowDown")
    assert page.locator("input[name=option]:checked").get_attribute("value").startswith("stripe:")
    tab_to(page, text("en", "shop_continue"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/account/orders/*")
    own = page.url
    tab_to(page, "Pay ")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/account/orders/" not in url)
    tab_to(page, "Pay")
    page.keyboard.press("Enter")
    page.get_by_role("status").filter(has_text="Paid").wait_for()
    page.locator(".return").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(own)
    page.locator("[data-is=paid]").wait_for(timeout=30_000)
    assert sql("select bonus_credits from users where telegram_id = %s", anna.id) == [{"bonus_credits": 100}]
