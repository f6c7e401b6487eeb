"""Forms of courses that no page of ours sends: each gets a page that says so, and the owner no alert."""

from __future__ import annotations

import re
from collections.abc import Iterator

import orjson
import pytest

from tests.features.courses.conftest import COURSE, SLUG, Enroll, Sql
from tests.features.courses.test_pages import quiz, reference
from tests.web.conftest import request
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

JSON = {"Content_Type": "application/json"}


@pytest.fixture(autouse=True)
def _no_alert(stack: Stack) -> Iterator[None]:
    before = len(stack.function("console").raw_log)
    yield
    for line in stack.function("console").raw_log[before:].splitlines():
        assert not re.search('"severity":"(ERROR|ALERT)"', line), line


@pytest.mark.parametrize("count", [1, 3, 5, 100])
def test_answers_to_another_number_of_questions(enroll: Enroll, anna: Chat, sql: Sql, count: int) -> None:
    learner = enroll(anna)
    sent = quiz(learner.get(f"{COURSE}/objections").body, ["0"])
    answers = {f"q{number}": "0" for number in range(count)}
    done = learner.post(f"{COURSE}/objections/quiz", {**sent, **answers, "questions": str(count)})
    assert done.status == 422
    assert "<h1" in done.body
    assert not sql("select from lesson_quiz_attempts")


def test_a_quiz_may_have_a_hundred_questions(enroll: Enroll, anna: Chat, sql: Sql) -> None:
    learner = enroll(anna)
    question = {"correct": [0], "texts": {"en": {"question": "?", "options": ["a", "b"]}}}
    sql(
        "update lessons set quiz = %s::jsonb where slug = 'objections'",
        orjson.dumps({"questions": [question] * 100}).decode(),
    )
    page = learner.get(f"{COURSE}/objections").body
    sent = quiz(page, ["0"]) | {f"q{number}": "0" for number in range(100)} | {"questions": "100"}
    done = learner.post(f"{COURSE}/objections/quiz", sent)
    assert "course_quiz_passed_notice" in done.headers["Location"]


@pytest.mark.parametrize("name", [
    "\x1c", "\x7f", "\x80\x9f", "\u202e", "\u2066\u2069", "\u200b", "\ufeff", "\u00ad", "\u0301",
    "\U000e0001", "—", "\u2028",
])  # fmt: skip
def test_a_certificate_has_a_name_to_read(enroll: Enroll, anna: Chat, sql: Sql, name: str) -> None:
    learner = enroll(anna)
    complete(sql, anna)
    assert learner.post(f"/certificates/{SLUG}/issue", {"name": name}).status == 422
    assert not sql("select from course_certificates")


@pytest.mark.parametrize(("name", "shown"), [
    ("An\x9fna", "An na"), ("An\x07na", "An na"), ("\u202eAnna\u2069", "Anna"), ("A\u2028B", "A B"),
    ("王芳", "王芳"),
])  # fmt: skip
def test_names_lose_what_cannot_be_seen(enroll: Enroll, anna: Chat, sql: Sql, name: str, shown: str) -> None:
    learner = enroll(anna)
    complete(sql, anna)
    issued = learner.post(f"/certificates/{SLUG}/issue", {"name": name})
    assert issued.status == 303
    assert sql("select name from course_certificates") == [{"name": shown}]


def complete(sql: Sql, chat: Chat) -> None:
    """Complete the course for a user."""
    sql(
        """insert into course_progress (user_id, course_id, completed_at)
           select u.id, c.id, private.clock() from users as u, courses as c where u.telegram_id = %s
           on conflict (user_id, course_id) do update set completed_at = excluded.completed_at""",
        chat.id,
    )


@pytest.mark.parametrize("body", [
    b'{"token":"\\ud800"}', b'{"token":"\\udfff.x"}', b"[" * 3_900, b'{"a":' * 650, b'{"token":[[]]}',
    b"\xff", b"",
    b'"x"', b"null", b'{"token":1e400}', b'{"token":"' + b"\xc3\xa9" * 600 + b'.\xc3\xa9"}',
])  # fmt: skip
def test_kinescope_asks_nonsense(stack: Stack, body: bytes) -> None:
    answer = request(stack.function("console").port, "/courses/kinescope/access", "POST", body, **JSON)
    assert answer.status == 403


@pytest.mark.parametrize(("lesson", "path", "longest", "stored"), [
    ("what-sells", "questions", 4_000, "select text from lesson_questions"),
    ("five-lines", "homework", 20_000, "select text from homework_submissions"),
])  # fmt: skip
def test_a_line_break_counts_as_one_character(
    enroll: Enroll, anna: Chat, sql: Sql, lesson: str, path: str, longest: int, stored: str
) -> None:
    """A browser counts a line break once, as `maxlength` says, and sends CR and LF."""
    learner = enroll(anna, "accelerator")
    page = learner.get(f"{COURSE}/{lesson}").body
    assert f'maxlength="{longest}"' in page
    typed = ("a\n" * longest)[: longest - 1] + "z"
    sent = {"reference": reference(page), "text": typed.replace("\n", "\r\n")}
    done = learner.post(f"{COURSE}/{lesson}/{path}", sent)
    assert done.status == 303, done.body[-500:]
    assert sql(stored) == [{"text": typed}]
    assert learner.post(f"{COURSE}/{lesson}/{path}", {**sent, "text": f"{sent['text']}z"}).status == 422
