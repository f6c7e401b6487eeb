"""Login through the bot in Chromium: two tabs, by script and without, devices, logout everywhere."""

from __future__ import annotations

import re
from typing import Any

import pytest

from shared.core.texts import text
from tests.browser.site_pages import Open, contrasts, keep, needs_axe, violations
from tests.web.visitor import ask, code_of
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

pytestmark = pytest.mark.browser
DEVICES = "/console/account/devices"


def begin(page: Any, language: str) -> str:
    """Press the button of the login page; return the page with the number."""
    page.get_by_role("button", name=text(language, "login_through_bot")).click()
    page.wait_for_url("**/login/bot*")
    return str(page.content())


def confirm(chat: Chat, content: str) -> None:
    question: Any = ask(chat, content)
    question.tap(code_of(content)).wait()


@pytest.mark.parametrize(("language", "width", "scheme"), [("en", 390, "dark"), ("ru", 1440, "light")])
def test_the_page_opens_by_itself_after_the_number_was_chosen(
    stack: Stack, browser_page: Open, language: str, width: int, scheme: str
) -> None:
    anna = stack.telegram.user("Anna", language).chat("assistant")
    page = browser_page(f"{stack.url}{DEVICES}", width, scheme, locale=language)
    assert "/login?to=" in page.url
    keep(page, f"login-{language}-{width}-{scheme}")
    content = begin(page, language)
    keep(page, f"login-number-{language}-{width}-{scheme}")
    assert contrasts(page) == []
    confirm(anna, content)
    page.wait_for_url(f"**{DEVICES}*")
    assert page.get_by_text(text(language, "login_this_device")).is_visible()
    keep(page, f"devices-{language}-{width}-{scheme}")
    assert contrasts(page) == []
    page.get_by_role("button", name=text(language, "web_log_out")).first.click()
    page.wait_for_url("**/login?*")
    assert page.get_by_role("status").inner_text() == text(language, "login_logged_out_notice")


def test_without_scripts_a_button_finishes_the_login(stack: Stack, browser_page: Open) -> None:
    anna = stack.telegram.user("Anna", "en").chat("assistant")
    page = browser_page(f"{stack.url}{DEVICES}?lang=en", 768, java_script_enabled=False)
    content = begin(page, "en")
    page.get_by_role("button", name=text("en", "login_done")).click()
    assert page.get_by_role("status").inner_text() == text("en", "login_waiting_notice")
    confirm(anna, content)
    page.get_by_role("button", name=text("en", "login_done")).click()
    page.wait_for_url(f"**{DEVICES}*")


def test_logging_out_everywhere_ends_the_other_browsers(stack: Stack, browser_page: Open) -> None:
    anna = stack.telegram.user("Anna", "en").chat("assistant")
    pages = []
    for _ in range(3):
        page = browser_page(f"{stack.url}{DEVICES}?lang=en", 1024)
        confirm(anna, begin(page, "en"))
        page.wait_for_url(f"**{DEVICES}*")
        pages.append(page)
    pages[0].reload()
    keep(pages[0], "devices-three")
    pages[0].get_by_role("button", name=text("en", "login_end_others")).click()
    assert pages[0].get_by_role("status").inner_text() == text("en", "login_ended_notice")
    for other in pages[1:]:
        other.reload()
        assert re.search(r"/login\?", other.url)


@needs_axe
def test_axe_finds_nothing_on_the_pages_of_the_login(stack: Stack, browser_page: Open) -> None:
    anna = stack.telegram.user("Anna", "ru").chat("assistant")
    page = browser_page(f"{stack.url}{DEVICES}", 390, locale="ru")
    assert violations(page) == []
    content = begin(page, "ru")
    assert violations(page) == []
    confirm(anna, content)
    page.wait_for_url(f"**{DEVICES}*")
    assert violations(page) == []
