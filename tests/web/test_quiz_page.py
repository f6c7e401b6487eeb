"""The page of the quiz: answers by topic and day, and the reminder of the day's challenge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.core.texts import text
from tests.web.pages import check_page
from tests.web.visitor import Visitor
from tools.emulator.telegram import Chat

Sql = Callable[..., list[dict[str, Any]]]
PATH = "/account/quiz"


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_answers_are_a_chart(browser: Visitor, anna: Chat, sql: Sql, language: str) -> None:
    empty = browser.get(f"{PATH}?lang={language}")
    check_page(empty.body)
    assert text(language, "quiz_page_none") in empty.body
    assert '/t.me/switchboard_quiz_bot"' in empty.body
    sql(
        "select private.count_quiz_answer(u.id, 'quiz', 'geography', n %% 3 > 0)"
        " from users as u, generate_series(1, 9) as n where u.telegram_id = %s",
        anna.id,
    )
    page = browser.get(f"{PATH}?lang={language}")
    check_page(page.body)
    assert "6 / 9" in page.body
    assert text(language, "quiz_page_days") in page.body
    assert "<rect" in page.body


def test_the_reminder_is_switched_on_and_off(browser: Visitor, sql: Sql) -> None:
    browser.get(PATH)
    for hour, stored in (("9", [9]), ("21", [21]), ("-1", []), ("-1", [])):
        assert browser.post(f"{PATH}/reminder", {"bot": "quiz", "hour": hour}).status == 303
        assert [one["hour"] for one in sql("select hour from quiz_reminders")] == stored
        assert f'<option value="{hour}" selected>' in browser.get(PATH).body
    for bot, hour in (("quiz", "24"), ("quiz", "x"), ("assistant", "9"), ("", "9")):
        assert browser.post(f"{PATH}/reminder", {"bot": bot, "hour": hour}).status == 422
    assert sql("select from quiz_reminders") == []
