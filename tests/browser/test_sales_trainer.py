"""A training in a browser: the choice of a client, the questions, the result, one of its lines."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.core import texts
from shared.features.trainer import library
from tests.browser.test_emulator_page import answers, current_user, say, switch_to_new_user
from tests.support import thorough
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack

pytestmark = pytest.mark.browser
Sql = Callable[..., list[dict[str, Any]]]
Window = Callable[..., Any]
PICTURES = os.environ.get("PICTURES")  # a folder: what was seen on the way is kept there, to be looked at
SCENARIO = library.load("spin")
CASE = library.load_case("spin", "packaging_line")
QUESTIONS = {
    "en": [
        "How many shifts do you run?",
        "What problems do you have with downtime of the machines?",
        "What happens when the machines stop?",
        "How would packing without stops help you?",
        "Do seals cause complaints?",
    ],
    "ru": [
        "Во сколько смен вы работаете?",
        "Какие трудности бывают из-за остановок машин?",
        "К чему приводят простои упаковки?",
        "Что вам дала бы работа без простоев?",
        "Бывает ли брак по швам?",
    ],
}
TYPES = ("situation", "problem", "implication", "need_payoff", "problem")


@pytest.mark.parametrize(("language", "width", "scheme"), [
    pytest.param("ru", 390, "dark", id="ru-phone-dark"),  # the longer words in the narrower window
    pytest.param("en", 1440, "light", id="en-desktop-light"),
    pytest.param("ru", 1440, "dark", id="ru-desktop-dark", marks=thorough),
    pytest.param("en", 390, "light", id="en-phone-light", marks=thorough),
])  # fmt: skip
def test_a_training_from_the_choice_to_a_line_of_the_result(
    stack: Stack, window: Window, sql: Sql, language: str, width: int, scheme: str
) -> None:
    from playwright.sync_api import expect

    def look(step: str) -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{step} hangs over the edge"
        if PICTURES:
            page.screenshot(path=Path(PICTURES) / f"trainer-{language}-{width}-{scheme}-{step}.png")

    def words(key: str) -> str:
        return texts.text(language, key)

    stack.ai.always(AiBehaviour(status=500))  # the client answers with the texts of the case
    page = window(width, 844 if width < 700 else 900, color_scheme=scheme)
    if width < 700:
        page.get_by_role("navigation", name="Views").get_by_role("button", name="Users").click()
    switch_to_new_user(page, {"ru": "Нина", "en": "Nina"}[language], language, bot="Spin")
    say(page, "/start")
    expect(answers(page).last).to_contain_text("/new")
    user = sql("select id from users where telegram_id = %s", current_user(page))[0]["id"]
    sql("select private.give_trainings(%s, 'admin', 'test', 1)", user)

    say(page, "/new")
    key(page, SCENARIO.info.name.of(language)).click()
    key(page, words("list_more")).click()  # this client is on the second page
    expect(key(page, CASE.client.company.of(language))).to_be_visible()
    look("1-clients")
    key(page, CASE.client.company.of(language)).click()
    expect(answers(page).last).to_contain_text(CASE.product.name.of(language))
    look("2-modes")
    key(page, words("trainer_practice_button")).click()
    key(page, words("trainer_medium_button")).click()
    expect(answers(page).last).to_contain_text(CASE.situation.public.of(language)[:40])
    look("3-briefing")

    for number, question in enumerate(QUESTIONS[language], 1):
        say(page, question)
        expect(answers(page).last).to_contain_text(f"{number}/10", timeout=30_000)
        expect(answers(page).last).to_contain_text(SCENARIO.type(TYPES[number - 1]).name.of(language))
        look(f"4-question-{number}")
    expect(answers(page).last).to_contain_text(CASE.hidden[1].fact("cause").of(language)[:40])
    key(page, words("trainer_finish_button")).click()
    expect(answers(page).last).to_contain_text(words("trainer_open_lines"), timeout=30_000)
    look("5-result")

    page.locator(".key").filter(has_text=re.compile("^3$")).last.click()
    line = answers(page).last
    expect(line).to_contain_text(QUESTIONS[language][2])
    expect(line).to_contain_text(SCENARIO.type("implication").rule.of(language))
    expect(key(page, words("trainer_dispute_button"))).to_be_visible()
    look("6-line")


def key(page: Any, words: str) -> Any:
    """Return the newest button with these words."""
    return page.locator(".key").filter(has_text=words).last
