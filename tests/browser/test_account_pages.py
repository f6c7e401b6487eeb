"""The pages of the account in Chromium: narrow and wide, light and dark, by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.browser.site_pages import Open, contrasts, keep, needs_axe, violations
from tests.stories.test_conversations import ask
from tests.stories.test_shared_pages import share
from tests.web.visitor import Visitor
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack

pytestmark = pytest.mark.browser
Sql = Callable[..., list[dict[str, Any]]]
PAGES = (
    "/account", "/account/usage", "/account/settings", "/account/devices", "/account/progress",
    "/account/data", "/account/data/delete", "/account/memory", "/account/reminders", "/account/shared",
    "/account/keys", "/account/pictures", "/account/videos", "/account/trainings",
)  # fmt: skip
NARROW, WIDE = 360, 1280


@pytest.fixture
def user(stack: Stack, sql: Sql) -> Visitor:
    """Return the browser of a user with something to show on every page."""
    chat = stack.telegram.user("Anna", language_code="en").chat("assistant")
    stack.ai.next(AiBehaviour(text="Hello!"))
    chat.send("Hello")
    chat.answer()
    sql("select adjust_balance(%s, 12.5, 'top-up', %s)", chat.id, f"browser:{chat.id}")
    ask(chat, "Remember that I'm a nurse, so medical terms are fine")
    ask(chat, "/remind tomorrow at 9 call mom")
    share(chat)
    sql("select record_activity(u.id, 'spin') from users as u where u.telegram_id = %s", chat.id)
    sql("select award_badge(%s, 'spin', 'spin_master')", chat.id)
    sql("select award_xp(%s, 'assistant', 'service', %s, 340)", chat.id, f"browser:{chat.id}")
    sql(
        "insert into daily_usage (user_id, bot, day, requests, bonus_requests, user_api_key_requests)"
        " select u.id, 'assistant', (now() at time zone 'Europe/Moscow')::date - n,"
        " (n * 7) %% 23, (n * 3) %% 5, n %% 4"
        " from users as u, generate_series(1, 24) as n where u.telegram_id = %s",
        chat.id,
    )
    browser = Visitor(stack)
    browser.log_in(chat)
    return browser


def show(open_page: Open, user: Visitor, path: str, width: int, scheme: str, **options: Any) -> Any:
    """Open a page with the session of a user."""
    url = f"{user.stack.url}/console{path}"
    cookies = [
        {"name": name, "value": value, "url": f"{urlsplit(url).scheme}://{urlsplit(url).netloc}"}
        for name, value in user.cookies.items()
    ]
    return open_page(url, width, scheme, cookies=cookies, **options)


def test_every_page_fits_in_light_and_dark(user: Visitor, browser_page: Open) -> None:
    for path in PAGES:
        for width, scheme, language in ((NARROW, "light", "ru"), (WIDE, "dark", "en"), (WIDE, "light", "ru")):
            page = show(browser_page, user, f"{path}?lang={language}", width, scheme)
            sizes = page.evaluate(
                "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
            )
            assert sizes[0] <= sizes[1], f"{path} {width}: scrolls sideways"
            assert contrasts(page) == [], path
            keep(page, f"{path[1:].replace('/', '-')}-{width}-{scheme}")


@needs_axe
def test_axe_finds_nothing(user: Visitor, browser_page: Open) -> None:
    for path in PAGES:
        for width, scheme in ((NARROW, "light"), (WIDE, "dark")):
            page = show(browser_page, user, path, width, scheme)
            assert violations(page) == [], path
