"""The pages of the team and of promo code batches in Chromium: narrow and wide, light and dark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.site_pages import Open, contrasts, keep, needs_axe, violations
from tests.browser.test_account_pages import show
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack

pytestmark = pytest.mark.browser
Sql = Callable[..., list[dict[str, Any]]]
PAGES = ("/staff", "/staff/audit", "/staff/access", "/admin/codes")
MEMBERS = (
    ("Bartholomew Featherstonehaugh-Cholmondeley", "admin", "bart.with.a.long.address@subdomain.example.com"),
    ("محمد عبد الرحمن", "operator", None),
    ("🦊 Александра Константинопольская", "author", None),
)


@pytest.fixture
def owner(stack: Stack, sql: Sql) -> Iterator[Visitor]:
    """Return the browser of an owner with a team, an invitation, a log and a batch of codes."""
    chat = stack.telegram.user("Olga", language_code="en").chat("assistant")
    chat.send("/start").wait()
    chat.answer()
    sql("insert into admins (email, telegram_id) values ('staff@example.com', %s)", chat.id)
    browser = Visitor(stack)
    browser.log_in(chat, "/staff")
    for name, role, email in MEMBERS:
        other = stack.telegram.user(name, language_code="en").chat("assistant")
        other.send("/start").wait()
        other.answer()
        form = {"user": str(other.id), "role": role, "email": email or ""}
        assert browser.post("/staff/add", form).status == 303
    browser.post("/staff/invite", {"token": "x" * 43, "role": "author", "email": ""})
    page = browser.get("/admin/codes").body
    reference = page.partition('name="reference" value="')[2].partition('"')[0]
    batch = {"prefix": "SPRING", "kind": "credits", "value": "50", "size": "3", "reference": reference}
    assert browser.post("/admin/codes/new", batch).status == 303
    yield browser
    sql("delete from admins where email = 'staff@example.com'")


@needs_axe
@pytest.mark.parametrize(
    ("width", "scheme", "language"),
    [(390, "light", "ru"), (390, "dark", "en"), (1280, "light", "en"), (1280, "dark", "ru")],
)
def test_the_pages_fit_and_axe_finds_nothing(
    owner: Visitor, browser_page: Open, width: int, scheme: str, language: str
) -> None:
    for path in PAGES:
        page = show(browser_page, owner, f"{path}?lang={language}", width, scheme)
        keep(page, f"{path[1:].replace('/', '-')}-{width}-{scheme}-{language}")
        sizes = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert sizes[0] <= sizes[1], f"{path} {width}: scrolls sideways"
        assert contrasts(page) == [], path
        assert violations(page) == [], path


def test_the_menu_of_the_team_shows_the_open_page_on_a_phone(owner: Visitor, browser_page: Open) -> None:
    page = show(browser_page, owner, "/staff?lang=ru", 390, "light")
    current = page.locator(".team [aria-current]").bounding_box()
    assert current["x"] >= 0, "the line is scrolled to the page that is open"
    assert current["x"] + current["width"] <= 390
    tops = {link.bounding_box()["y"] for link in page.locator(".team a").all()}
    assert len(tops) == 1, "one line"
