"""Courses in the bots: buying, lessons, quizzes, questions, a refund, an erasure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.stories import school
from tests.stories.school import TITLE, ask, button, labels, press, tap, words
from tests.support import eventually, says
from tools.emulator.stack import Stack

Sql = Callable[..., list[dict[str, Any]]]
LANGUAGES = ("en", "ru")
LESSONS = {
    "en": ("What a bot sells well", "The first minute"),
    "ru": ("Что хорошо продаётся через бота", "Первая минута"),
}


@pytest.fixture(autouse=True)
def course(sql: Sql) -> None:
    school.load(sql)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_learner_buys_a_course_and_completes_its_first_lesson(
    stack: Stack, sql: Sql, language: str
) -> None:
    anna = school.learner(stack, language)
    nothing = ask(anna, "/continue")
    assert says(nothing.text, "learn_nothing_yet", language)
    shelf = press(nothing, language, "learn_courses_button")
    assert TITLE[language] in shelf.text
    page = tap(shelf, f"🔎 {TITLE[language]}")
    assert f"1. {LESSONS[language][0]} · {words(language, 'course_preview')}" in page.text

    school.buy(sql, stack, anna, language)

    lesson = ask(anna, "/continue")
    assert lesson.text.startswith(f"📖 {LESSONS[language][0]}\n{TITLE[language]}")
    assert says(lesson.text, "learn_button_rule", language)
    web = next(one.url for row in lesson.buttons for one in row if one.url)
    assert web.endswith("/courses/telegram-sales/what-sells")
    done = press(lesson, language, "learn_done_button")
    assert words(language, "learn_done_xp", xp=10).replace("*", "") in done.text
    assert words(language, "badge_first_lesson") in done.text
    assert words(language, "learn_done_button") not in labels(done)
    assert LESSONS[language][1] in press(done, language, "learn_next_button").text
    overview = ask(anna, "/courses").text
    assert words(language, "learn_progress", done=1, total=4) in overview


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_quiz_is_answered_with_buttons(stack: Stack, sql: Sql, language: str) -> None:
    anna = school.learner(stack, language)
    school.give(sql, anna)
    lesson = _open(anna, language, 3)
    question = press(lesson, language, "learn_quiz_button")

    def answer(*letters: str) -> None:
        nonlocal question
        for letter in letters:
            question = tap(question, letter)

    answer("A", "A", "A")
    assert "☑️ A" in labels(question)
    question = press(question, language, "learn_quiz_done_button")
    answer("A")
    assert says(question.text, "learn_quiz_failed", language)
    assert words(language, "learn_quiz_left", count=2) in question.text
    question = press(question, language, "learn_quiz_again_button")
    answer("B", "A", "A", "☑️ A", "A", "C")
    question = press(question, language, "learn_quiz_done_button")
    answer("C")
    assert words(language, "learn_quiz_passed", right=4, of=4).replace("*", "") in question.text
    assert says(question.text, "learn_done_xp", language)
    attempts = sql("select is_passed from lesson_quiz_attempts order by id")
    assert [one["is_passed"] for one in attempts] == [False, True]
    assert words(language, "learn_quiz_button") not in labels(
        press(question, language, "learn_lesson_button")
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_question_under_a_lesson_is_stored_once(stack: Stack, sql: Sql, language: str) -> None:
    anna = school.learner(stack, language)
    school.give(sql, anna)
    ask(anna, "/continue").tap(words(language, "learn_ask_button")).wait()
    eventually(lambda: says(anna.answers()[-1].text, "learn_ask", language))
    stored = ask(anna, "How long is it?")
    assert says(stored.text, "learn_ask_stored", language)
    assert [row["text"] for row in sql("select text from lesson_questions")] == ["How long is it?"]
    assert sql("select from api_usage") == [], "the AI is not asked"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_refund_closes_the_lessons(stack: Stack, sql: Sql, language: str) -> None:
    anna = school.learner(stack, language)
    charge = school.buy(sql, stack, anna, language)
    page = ask(anna, "/courses")
    stack.telegram.request(
        "assistant", "refundStarPayment", {"user_id": anna.id, "telegram_payment_charge_id": charge}
    )
    eventually(lambda: sql("select from enrollments where withdrawn_at is not null"))
    eventually(lambda: [one for one in anna.answers() if one.text.startswith("↩️")])
    assert says(ask(anna, "/continue").text, "learn_nothing_yet", language)
    course = tap(page, f"📚 {TITLE[language]}")
    assert button(course, school.BASIC[language])
    lessons = press(course, language, "learn_lessons_button")
    closed = tap(lessons, button(lessons, LESSONS[language][1]))
    assert says(closed.text, "learn_closed", language)


def test_two_taps_at_once_complete_a_lesson_once(stack: Stack, sql: Sql) -> None:
    anna = school.learner(stack, "en")
    school.give(sql, anna)
    lesson = ask(anna, "/continue")
    taps = [lesson.tap(words("en", "learn_done_button")) for _ in range(2)]
    for one in taps:
        one.wait()
    assert [row["points"] for row in sql("select points from xp_awards where rule = 'lesson_completed'")] == [
        10
    ]


def test_lessons_of_a_higher_tier_name_it(stack: Stack, sql: Sql) -> None:
    anna = school.learner(stack, "en")
    school.give(sql, anna)
    closed = _open(anna, "en", 5)
    assert words("en", "learn_closed_tier", tier="Accelerator") in closed.text
    assert button(closed, "Accelerator")


def test_an_erased_learner_has_no_courses(stack: Stack, sql: Sql) -> None:
    anna = school.learner(stack, "en")
    school.give(sql, anna)
    page = ask(anna, "/courses")
    ask(anna, "/continue")
    tap(ask(anna, "/deleteme"), "🗑 Delete everything")
    eventually(lambda: sql("select from users where telegram_id = %s", anna.id) == [])
    assert sql("select from enrollments") == sql("select from course_progress") == []
    assert "▶️" not in tap(page, f"📚 {TITLE['en']}").text


def test_the_sales_trainer_has_courses_too(stack: Stack, sql: Sql) -> None:
    anna = school.learner(stack, "en", "spin")
    assert TITLE["en"] in ask(anna, "/courses").text


def _open(chat: Any, language: str, number: int) -> Any:
    """Open the lesson with this number, from 0, through the list of lessons."""
    page = tap(ask(chat, "/courses"), f"📚 {TITLE[language]}")
    lessons = press(page, language, "learn_lessons_button")
    rows = [row[0].text for row in lessons.buttons[:-1]]
    return tap(lessons, rows[number])
