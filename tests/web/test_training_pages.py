"""The pages of trainings: how results change, and each result with its lines."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import escape, unescape
from typing import Any

import pytest

from shared.core.texts import text
from tests.stories.test_spin import QUESTIONS, begin
from tests.stories.test_trial import ask
from tests.web.pages import check_page
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

Sql = Callable[..., list[dict[str, Any]]]
PATH = "/account/trainings"
HOSTILE = "How many <script>alert(1)</script> shifts do you run?"


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_result_is_shown_as_in_the_bot(
    stack: Stack, sql: Sql, clock: Callable[[str], None], language: str
) -> None:
    user = stack.telegram.user("Nina", language)
    browser = Visitor(stack)
    browser.log_in(user.chat("assistant"))
    empty = browser.get(f"{PATH}?lang={language}")
    assert '/t.me/switchboard_spin_bot"' in empty.body
    check_page(empty.body)
    assert text(language, "trainer_page_none") in empty.body
    chat = begin(stack, sql, language, user=user)
    for question in [HOSTILE, *QUESTIONS[language][1:]]:
        ask(chat, question)
    clock("clock_timestamp() + interval '5 minutes'")
    score = re.search(r"\d+", ask(chat, "/finish").text)
    assert score
    page = browser.get(f"{PATH}?lang={language}")
    check_page(page.body)
    assert f'<td class="number">{score[0]}</td>' in page.body
    found = re.search(rf'href="/console({PATH}/\d+)', page.body)
    assert found
    result = browser.get(f"{found[1]}?lang={language}")
    check_page(result.body)
    assert f"{score[0]}" in result.body
    assert HOSTILE not in result.body
    assert escape(HOSTILE) in result.body
    for question in QUESTIONS[language][1:]:
        assert question in unescape(result.body)
    assert text(language, "trainer_page_lines") in result.body
    other = Visitor(stack)
    other.log_in(stack.telegram.user("Ben").chat("assistant"))
    assert other.get(found[1]).status == 404
    assert browser.get(f"{PATH}/{2**63 - 1}").status == 404
    assert browser.get(f"{PATH}/{2**63}").status == 404


def test_several_trainings_are_a_chart(browser: Visitor, anna: Chat, sql: Sql) -> None:
    training = {
        "scenario": "spin",
        "score": 110,
        "clarity_level": 40,
        "question_count": 7,
        "per_type_counts": {"problem": 3},
        "case_data": {"company": "<b>Acme</b>"},
    }
    for number in range(3):
        sql("select save_training_history(%s, 'spin', %s, %s)", anna.id, f"s:{number}", json.dumps(training))
    page = browser.get(PATH)
    check_page(page.body)
    assert page.body.count("<circle") == 6
    assert "<b>Acme" not in page.body
    assert "&lt;b&gt;Acme" in page.body
    assert 'class="shares' in page.body
