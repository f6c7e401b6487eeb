"""Pages of the knowledge base and of learners' questions in Chromium: two widths, light and dark."""

from __future__ import annotations

import pytest

from tests.browser.site_pages import Open, contrasts, keep, needs_axe, violations
from tests.browser.test_course_pages import cookies
from tests.features.courses.conftest import COURSE, Enroll, course, enroll
from tests.features.courses.test_pages import reference
from tests.features.knowledge.conftest import Sql, anna, operator, publish
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

pytestmark = pytest.mark.browser
__all__ = ["anna", "course", "enroll", "operator"]  # fixtures
BODY = (
    "Refunds take **five** days.\n\n1. Open /support\n2. Name the order\n\n"
    "| plan | days |\n|---|---|\n| Basic | 5 |"
)


@needs_axe
@pytest.mark.parametrize(("width", "scheme", "language"), [
    (390, "light", "ru"), (390, "dark", "en"), (1440, "light", "en"), (1440, "dark", "ru"),
])  # fmt: skip
def test_the_pages_fit_and_axe_finds_nothing(
    stack: Stack, browser_page: Open, operator: Visitor, enroll: Enroll, anna: Chat, sql: Sql,
    width: int, scheme: str, language: str,
) -> None:  # fmt: skip
    learner = enroll(anna)
    page_of_lesson = learner.get(f"{COURSE}/what-sells").body
    question = {"reference": reference(page_of_lesson), "text": "How long does the first sale take?"}
    learner.post(f"{COURSE}/what-sells/questions", question)
    path = publish(operator, "How do I get a refund?", BODY, "refund")
    form = {"title": "How do I get a refund?", "slug": "refund", "body": f"{BODY}\n\nMore.", "version": "1"}
    operator.get(path)
    operator.post(f"{path}/save", form)
    sql(
        "insert into conversation_messages (conversation_id, body, direction, kind, source, seq, version)"
        " select id, 'Restart the bot.', 1, 'text', 'staff', 900, 1 from conversations"
    )
    sql("update conversations set status = 'closed', last_seq = 900")
    chat = stack.telegram.user("Nina", language).chat("assistant")
    chat.send("/start").wait()
    chat.answer()
    sql(
        "insert into staff (user_id, role, email)"
        " select id, 'admin', 'nina@example.com' from users where telegram_id = %s",
        chat.id,
    )
    boss = Visitor(stack, language)
    boss.log_in(chat, "/knowledge")
    page = None
    for name, where in {
        "list": "/knowledge", "new": "/knowledge/new", "editor": path, "public": "/help/assistant/en/refund",
        "questions": "/admin/questions",
    }.items():  # fmt: skip
        address = f"{stack.url}/console{where}?lang={language}"
        if page is None:
            page = browser_page(address, width, scheme, storage_state=cookies(stack, boss))
        else:
            page.goto(address)
        assert "/login" not in page.url
        keep(page, f"knowledge-{name}-{width}-{scheme}-{language}")
        sizes = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert sizes[0] <= sizes[1], f"{name}: scrolls sideways"
        assert contrasts(page) == [], name
        assert violations(page) == [], name


def test_a_visitor_reads_an_article_on_a_phone(stack: Stack, browser_page: Open, operator: Visitor) -> None:
    publish(operator, "How do I get a refund?", BODY, "refund")
    page = browser_page(f"{stack.url}/console/help/assistant/en/refund?lang=en", 390)
    sizes = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert sizes[0] <= sizes[1], "scrolls sideways"
    assert contrasts(page) == []
    assert page.locator(".bar .button").get_attribute("href").endswith("_bot")
