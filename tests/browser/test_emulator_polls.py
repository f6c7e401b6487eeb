"""Polls and quizzes on the emulator's page: a vote, a changed vote, the result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.test_emulator_stars import current
from tools.emulator.stack import Stack

pytestmark = pytest.mark.browser
Window = Callable[..., Any]
QUIZ = {
    "question": "Which question is about consequences?",
    "options": [
        "Who signs the contract?",
        "What does a day of delay cost you?",
        "How many suppliers have you got?",
    ],
    "type": "quiz",
    "is_anonymous": False,
    "correct_option_ids": [1],
    "explanation": "It asks what a known problem costs.",
}


def test_a_quiz_shows_the_right_answer_after_the_vote(stack: Stack, window: Window) -> None:
    page = window()
    chat = current(stack, page)
    stack.telegram.hold()
    stack.telegram.request("assistant", "sendPoll", {"chat_id": chat.id, **QUIZ})
    page.locator(".poll").last.get_by_role("button", name="Who signs the contract?").click()
    poll = page.locator(".poll").last
    poll.get_by_role("img", name="Who signs the contract?, 100%, your answer").wait_for()
    poll.get_by_role("img", name="What does a day of delay cost you?, 0%, right").wait_for()
    poll.get_by_text("It asks what a known problem costs.").wait_for()
    assert poll.get_by_role("button", name="Who signs the contract?").count() == 0


def test_a_poll_takes_several_answers_and_takes_them_back(stack: Stack, window: Window) -> None:
    page = window()
    chat = current(stack, page)
    stack.telegram.hold()
    poll = {**QUIZ, "type": "regular", "allows_multiple_answers": True}
    stack.telegram.request("assistant", "sendPoll", {"chat_id": chat.id, **poll})
    shown = page.locator(".poll").last
    shown.get_by_label("Who signs the contract?").check()
    shown.get_by_label("How many suppliers have you got?").check()
    shown.get_by_role("button", name="Vote", exact=True).click()
    shown.get_by_text("1 vote", exact=True).wait_for()
    shown.get_by_label("Who signs the contract?").uncheck()
    shown.get_by_label("How many suppliers have you got?").uncheck()
    shown.get_by_role("button", name="Vote", exact=True).click()
    shown.get_by_text("0 votes", exact=True).wait_for()
