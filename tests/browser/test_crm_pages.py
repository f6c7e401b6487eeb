"""The pages of the CRM in Chromium: narrow and wide, light and dark."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.site_pages import Open, contrasts, keep, needs_axe, violations
from tests.browser.test_account_pages import show
from tests.web.test_crm_pages import lead, member, started
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack

pytestmark = pytest.mark.browser
Sql = Callable[..., list[dict[str, Any]]]
LEADS = (
    ("Anna", 91, "offer", "Бот для приёма заказов в пекарне"),
    ("Ben", 64, "work", "A course on negotiation for a team of twelve people"),
    ("Chloe", 40, "new", "Ищет тренажёр для новичков"),
    ("Dan", 12, "new", ""),
)


@pytest.fixture
def site(stack: Stack, sql: Sql) -> tuple[Visitor, list[str]]:
    """Return the browser of an admin and the paths of the pages, with something on each."""
    visitor, _ = member(stack, sql, "admin")
    numbers = [
        lead(sql, started(stack, name), score, stage, name=name, query=query)
        for name, score, stage, query in LEADS
    ]
    sql(
        "update crm_cards set next_action = 'Send the offer', next_action_at = now() + interval '1 day',"
        " locked = '{query}' where stage = 'offer'"
    )
    sql(
        "insert into conversation_messages"
        " (conversation_id, body, direction, kind, source, seq, version)"
        " select id, 'Prefers calls after six', 1, 'note', 'staff', 99, 99"
        " from conversations where id = %s",
        numbers[0],
    )
    sql("insert into ad_links (key, name, visits, new_users) values ('spring', 'Channel of bakers', 120, 83)")
    return visitor, ["/crm", "/crm?by=band&mine=", "/crm?band=ready", f"/crm/{numbers[0]}", "/crm/links"]


NAMES = ("board", "bands", "filtered", "card", "links")


def test_every_page_fits_in_light_and_dark(site: tuple[Visitor, list[str]], browser_page: Open) -> None:
    visitor, paths = site
    for name, path in zip(NAMES, paths, strict=True):
        for width, scheme, language in ((390, "light", "ru"), (1440, "dark", "en"), (1440, "light", "ru")):
            mark = "&" if "?" in path else "?"
            page = show(browser_page, visitor, f"{path}{mark}lang={language}", width, scheme)
            sizes = page.evaluate(
                "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
            )
            assert sizes[0] <= sizes[1], f"{path} {width}: scrolls sideways"
            assert contrasts(page) == [], path
            keep(page, f"crm-{name}-{width}-{scheme}")


@needs_axe
def test_axe_finds_nothing(site: tuple[Visitor, list[str]], browser_page: Open) -> None:
    visitor, paths = site
    for path in paths:
        page = show(browser_page, visitor, path, 390, "dark")
        assert violations(page) == [], path
