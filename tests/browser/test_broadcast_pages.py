"""The pages of broadcasts in Chromium: narrow and wide, light and dark, in both languages; live progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from tests.browser.site_pages import Open, contrasts, keep, needs_axe, violations
from tests.browser.test_account_pages import show
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack

pytestmark = pytest.mark.browser
Sql = Callable[..., list[dict[str, Any]]]
WIDTHS = ((390, "light", "ru"), (390, "dark", "en"), (1440, "light", "en"), (1440, "dark", "ru"))
TEXTS = {
    "en": "**Black Friday, {name}!**\n\nPremium for a year is 40% off now.\n\n- 1,000 requests a day",
    "ru": "**Чёрная пятница, {name}!**\n\nСкидка 40 % до воскресенья.\n\n- 1 000 запросов в день",
}
BUTTONS = [
    {"texts": {"en": "See the offer", "ru": "Смотреть"}, "url": "https://shop.example/sale"},
    {"texts": {"en": "Buy now", "ru": "Купить"}, "command": "buy"},
]
CONTENT = orjson.dumps({"texts": TEXTS, "buttons": BUTTONS}).decode()


@pytest.fixture
def boss(stack: Stack, sql: Sql) -> Iterator[Visitor]:
    """An admin with broadcasts in every state and a sequence."""
    chat = stack.telegram.user("Boss", language_code="en").chat("assistant")
    chat.send("/start")
    chat.answer()
    sql("insert into admins (email, telegram_id) values ('boss@example.com', %s)", chat.id)
    segment = '{"languages": ["en", "ru"], "inactive_days": 14, "never_paid": true}'
    for name, status, total, sent in (
        ("Black Friday", "done", 12_840, 12_102), ("Autumn news", "running", 8_400, 3_150),
        ("A long name of a broadcast that has to fit on a phone as well", "draft", 0, 0),
        ("To all users", "waiting", 48_210, 0),
    ):  # fmt: skip
        results = (12, 402, 3, 321, 2_040, 96, '{"0": 1640, "1": 512}') if sent else (0, 0, 0, 0, 0, 0, "{}")
        sql(
            "insert into broadcasts (name, status, total, sent, content, segment, started_at, failed,"
            " blocked, unknown, skipped, clicked, bought, clicks)"
            " values (%s, %s, %s, %s, %s, %s, now(), %s, %s, %s, %s, %s, %s, %s)",
            *(name, status, total, sent, CONTENT, segment),
            *results,
        )
    sql(
        "insert into broadcast_hours select b.id, date_trunc('hour', now()) - make_interval(hours => n),"
        " 200 + n * n * 13, 20 + n * 9 from broadcasts as b, generate_series(0, 9) as n where b.sent > 0"
    )
    sql(
        "insert into sequences (name, event, is_active, entered, finished, left_counts)"
        """ values ('Welcome', 'start', true, 1840, 1210, '{"purchase": 96, "reply": 210}')"""
    )
    sql(
        "insert into broadcasts (name, status, sequence_id, position, delay_minutes, content, total, sent,"
        " clicked) select format('Step %%s', n), 'running', s.id, n, (n - 1) * 1440, %s, 1800 - n * 200,"
        " 1700 - n * 200, 300 from sequences as s, generate_series(1, 3) as n",
        CONTENT,
    )
    browser = Visitor(stack)
    browser.log_in(chat, "/broadcasts")
    yield browser
    sql("delete from admins where email = 'boss@example.com'")


def pages(sql: Sql) -> dict[str, str]:
    """Return the pages by what they show."""
    rows = sql("select id, status from broadcasts where sequence_id is null")
    (sequence,) = sql("select id from sequences")
    (step,) = sql("select min(id) as id from broadcasts where sequence_id is not null")
    return {
        "list": "/broadcasts",
        **{row["status"]: f"/broadcasts/{row['id']}" for row in rows},
        "sequences": "/broadcasts/sequences",
        "sequence": f"/broadcasts/sequences/{sequence['id']}",
        "step": f"/broadcasts/{step['id']}",
    }


def test_every_page_fits_in_light_and_dark(boss: Visitor, browser_page: Open, sql: Sql) -> None:
    for name, path in pages(sql).items():
        for width, scheme, language in WIDTHS:
            page = show(browser_page, boss, f"{path}?lang={language}", width, scheme)
            sizes = page.evaluate(
                "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
            )
            assert sizes[0] <= sizes[1], f"{path} {width}: scrolls sideways"
            assert contrasts(page) == [], path
            keep(page, f"broadcasts-{name}-{width}-{scheme}")


@needs_axe
def test_axe_finds_nothing(boss: Visitor, browser_page: Open, sql: Sql) -> None:
    for path in pages(sql).values():
        page = show(browser_page, boss, path, 390, "light")
        assert violations(page) == [], path


def test_progress_is_shown_while_it_sends(boss: Visitor, browser_page: Open, sql: Sql) -> None:
    page = show(browser_page, boss, pages(sql)["running"], 1440, "light")
    page.get_by_text("3,888 of 8,400").wait_for()
    sql("update broadcasts set sent = sent + 100 where status = 'running' and sequence_id is null")
    page.get_by_text("3,988 of 8,400").wait_for()
    sql("update broadcasts set status = 'done' where status = 'running' and sequence_id is null")
    page.locator("h1 + .state-done").wait_for()
