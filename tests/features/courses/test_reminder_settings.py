"""The switch for the reminders of a course, in the settings of the account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shared.core.texts import text
from tests.features.courses.conftest import Enroll
from tests.web.pages import check_page
from tools.emulator.telegram import Chat

Sql = Callable[..., list[dict[str, Any]]]
SETTINGS = "/account/settings"


def test_reminders_are_switched_off_and_on(enroll: Enroll, anna: Chat, sql: Sql) -> None:
    learner = enroll(anna)
    page = learner.get(SETTINGS).body
    check_page(page)
    assert text("en", "account_reminders_stop") in page
    (course,) = sql("select id from courses")
    for is_on, button in (("false", "start"), ("true", "stop"), ("true", "stop")):
        form = {"course": str(course["id"]), "is_on": is_on}
        assert learner.post(f"{SETTINGS}/course_reminders", form).status == 303
        assert sql("select wants_reminders::text as is_on from course_progress") == [{"is_on": is_on}]
        assert text("en", f"account_reminders_{button}_one", course="") in learner.get(SETTINGS).body
    for wrong in ({}, {"course": "x", "is_on": "true"}, {"course": "1"}, {"course": "0", "is_on": "true"}):
        assert learner.post(f"{SETTINGS}/course_reminders", wrong).status == 422


def test_without_a_course_there_is_no_switch(enroll: Enroll, anna: Chat) -> None:
    assert text("en", "account_reminders") not in enroll(anna, "").get(SETTINGS).body
