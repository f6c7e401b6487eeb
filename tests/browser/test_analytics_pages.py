"""The pages of analytics and of the database in Chromium: narrow and wide, light and dark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.site_pages import Open, contrasts, keep, needs_axe, violations
from tests.browser.test_account_pages import show
from tests.web.figures import FILL
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack

pytestmark = pytest.mark.browser
Sql = Callable[..., list[dict[str, Any]]]
PAGES = (
    "/analytics", "/analytics/users", "/analytics/revenue", "/analytics/subscriptions", "/analytics/ai",
    "/analytics/learning", "/database",
)  # fmt: skip
NARROW, WIDE = 390, 1440


@pytest.fixture
def owner(stack: Stack, sql: Sql) -> Iterator[Visitor]:
    """Return the browser of an owner with figures of every kind."""
    chat = stack.telegram.user("Olga", language_code="en").chat("assistant")
    chat.send("/start")
    chat.answer()
    sql(FILL)
    sql("insert into admins (email, telegram_id) values ('figures@example.com', %s)", chat.id)
    browser = Visitor(stack)
    browser.log_in(chat)
    stack.run_job("health")
    yield browser
    sql("delete from admins where email = 'figures@example.com'")


def test_every_page_fits_in_light_and_dark(owner: Visitor, browser_page: Open) -> None:
    for path in PAGES:
        for width, scheme, language in (
            (NARROW, "light", "ru"), (NARROW, "dark", "en"), (WIDE, "dark", "en"), (WIDE, "light", "ru"),
        ):  # fmt: skip
            page = show(browser_page, owner, f"{path}?lang={language}", width, scheme)
            sizes = page.evaluate(
                "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
            )
            assert sizes[0] <= sizes[1], f"{path} {width}: scrolls sideways"
            assert contrasts(page) == [], path
            keep(page, f"{path[1:].replace('/', '-')}-{width}-{scheme}")


@needs_axe
def test_axe_finds_nothing(owner: Visitor, browser_page: Open) -> None:
    for path in PAGES:
        page = show(browser_page, owner, path, WIDE, "light")
        assert violations(page) == [], path
