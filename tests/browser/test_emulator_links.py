"""Links of the website to a bot: the chat on the emulator's page, where the login goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.core.texts import text
from tests.browser.site_pages import Open
from tests.browser.test_login_pages import begin
from tests.web.visitor import code_of
from tools.emulator.stack import Stack

pytestmark = pytest.mark.browser


def test_a_login_goes_on_in_the_chat_of_the_emulator(stack: Stack, browser_page: Open) -> None:
    page = browser_page(f"{stack.url}/console/account/shared", 1280, locale="en")
    number = code_of(begin(page, "en"))
    with page.expect_popup() as opened:
        page.get_by_role("link", name=text("en", "login_open_bot")).click()
    chat = opened.value
    chat.get_by_role("button", name=number, exact=True).last.click()
    page.wait_for_url("**/account/shared*")
    assert chat.url == f"{stack.url}/", "a reload does not begin again"
    page.goto(f"{stack.url}/console/account/pictures")  # it has none, and leads to the bot
    with page.expect_popup() as opened:
        page.get_by_role("link", name=text("en", "web_open_bot")).click()
    opened.value.locator("#line-state[data-state=up]").wait_for(state="attached")
    assert opened.value.url.startswith(stack.url)


def test_a_link_to_a_bot_that_is_not_here_says_so(stack: Stack, window: Callable[..., Any]) -> None:
    page = window()
    page.goto(f"{stack.url}/t.me/another_one_bot?start=x")
    page.get_by_text("There’s no @another_one_bot here.").wait_for()
