"""Messages of courses: reminders, the end of access, certificates, and courses that admins give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.stories import school
from tests.stories.school import TITLE, ask, labels, press, tap, words
from tests.stories.test_quiz import Time, time
from tests.stories.test_refunds import Appoint
from tests.support import eventually, in_parallel, says
from tools.emulator.stack import Stack
from tools.emulator.telegram import Answer, Chat

__all__ = ["time"]

Sql = Callable[..., list[dict[str, Any]]]
LANGUAGES = ("en", "ru")
DAY = 86_400


@pytest.fixture(autouse=True)
def course(sql: Sql) -> None:
    school.load(sql)


def newest(chat: Chat, key: str, language: str) -> Answer:
    """Wait for a message of this kind."""
    return eventually(  # type: ignore[no-any-return]
        lambda: next((one for one in reversed(chat.answers()) if says(one.text, key, language)), None)
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_idle_learner_is_reminded_once_and_can_stop_it(
    stack: Stack, sql: Sql, time: Time, language: str
) -> None:
    anna = school.learner(stack, language)
    school.give(sql, anna)
    ask(anna, "/continue")
    time.move(3 * DAY)
    runs = in_parallel(2, lambda _: stack.run_job("courses").status)
    assert list(runs) == [200, 200]
    reminder = newest(anna, "course_idle", language)
    assert len([one for one in anna.answers() if says(one.text, "course_idle", language)]) == 1
    stopped = press(reminder, language, "course_reminders_off")
    assert says(stopped.text, "learn_reminders_off", language)
    time.move(5 * DAY)
    stack.run_job("courses")
    assert sql("select reminders from course_progress")[0]["reminders"] == 1
    page = press(stopped, language, "learn_course_button")
    assert TITLE[language] in page.text
    assert says(press(page, language, "learn_remind_button").text, "learn_reminders_on", language)


def test_a_learner_who_blocked_the_bot_gets_nothing(stack: Stack, sql: Sql, time: Time) -> None:
    anna = school.learner(stack, "en")
    school.give(sql, anna)
    ask(anna, "/continue")
    anna.block()
    eventually(lambda: sql("select from bot_sessions where is_blocked"))
    time.move(3 * DAY)
    assert stack.run_job("courses").status == 200
    assert not [one for one in anna.answers() if says(one.text, "course_idle", "en")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_admin_gives_a_course_for_some_days(
    stack: Stack, sql: Sql, appoint: Appoint, time: Time, language: str
) -> None:
    boss, anna = appoint(language).chat("assistant"), school.learner(stack, language)
    assert says(ask(boss, "/course").text, "admin_usage_course", language)
    done = ask(boss, f"/course {anna.id} telegram-sales vip 30").text
    assert "telegram-sales" in done and "vip" in done
    assert TITLE[language] in newest(anna, "course_given", language).text
    given = words(language, "audit_enroll", course="telegram-sales", tier="vip")
    assert given in ask(boss, f"/audit {anna.id}").text
    assert says(ask(boss, f"/course {anna.id} nothing vip").text, "admin_bad_number", language)
    time.move(28 * DAY)
    stack.run_job("courses")
    assert TITLE[language] in newest(anna, "course_ends", language).text


def test_only_admins_give_courses(stack: Stack, sql: Sql) -> None:
    anna = school.learner(stack, "en")
    ask(anna, f"/course {anna.id} telegram-sales vip")
    assert sql("select from enrollments") == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_last_lesson_completes_the_course_and_gives_the_certificate(
    stack: Stack, sql: Sql, language: str
) -> None:
    anna = school.learner(stack, language)
    school.give(sql, anna)
    sql("update lessons set is_required = slug = 'what-sells'")
    lesson = ask(anna, "/continue")
    done = press(lesson, language, "learn_done_button")
    assert words(language, "learn_course_done", title=TITLE[language]).replace("*", "") in done.text
    assert words(language, "badge_first_course") in done.text
    page = press(done, language, "learn_course_button")
    assert says(page.text, "learn_completed", language) or "🎓" in page.text
    page.tap(words(language, "learn_certificate_get_button")).wait()
    newest(anna, "learn_certificate_name", language)
    assert says(ask(anna, "x" * 101).text, "learn_certificate_bad_name", language)
    ready = ask(anna, "Anna  Lee")
    assert "Anna Lee" in ready.text
    code = sql("select code from course_certificates")[0]["code"]
    urls = [one.url for row in ready.buttons for one in row if one.url]
    assert urls == [next(url for url in urls if url.endswith(f"/certificates/{code}"))]
    page = tap(ask(anna, "/courses"), f"📚 {TITLE[language]}")
    assert words(language, "learn_certificate_button") in labels(page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_lesson_that_opens_is_announced(stack: Stack, sql: Sql, time: Time, language: str) -> None:
    anna = school.learner(stack, language)
    school.give(sql, anna, "accelerator")
    stack.run_job("courses")
    before = len(anna.answers())
    time.move(DAY)
    assert all(status == 200 for status in in_parallel(2, lambda _: stack.run_job("courses").status))
    news = newest(anna, "lesson_released", language)
    assert TITLE[language] in news.text
    assert len(anna.answers()) == before + 1, "what is open from the start is no news"
    assert TITLE[language] in press(news, language, "course_continue").text
