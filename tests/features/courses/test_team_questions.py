"""Stories of questions about lessons: asked on the page and in the bot, answered by the course team."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from shared.core.texts import text
from tests.features.courses.conftest import COURSE, Enroll, Sql
from tests.features.courses.test_pages import EVIL, reference
from tests.support import eventually, in_parallel, says
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

LESSON = f"{COURSE}/what-sells"
QUESTIONS = "/admin/questions"


@pytest.fixture
def author(stack: Stack, sql: Sql, enroll: Enroll) -> Iterator[Visitor]:
    """An author of courses who is logged in."""
    chat = stack.telegram.user("Vera").chat("assistant")
    chat.send("/start")
    chat.answer()
    sql("insert into staff (user_id, role) select id, 'author' from users where telegram_id = %s", chat.id)
    visitor = Visitor(stack)
    visitor.log_in(chat, QUESTIONS)
    yield visitor
    sql("delete from staff")


def ask(learner: Visitor, words: str) -> None:
    page = learner.get(LESSON).body
    asked = learner.post(f"{LESSON}/questions", {"reference": reference(page), "text": words})
    assert asked.status == 303, asked.body[-1500:]
    assert "course_question_stored_notice" in asked.headers["Location"]


def answer_path(page: str) -> str:
    found = re.search(rf"{QUESTIONS}/\d+/answer", page)
    assert found, page
    return found[0]


def test_the_answer_arrives_in_the_chat_under_the_lesson_and_in_the_conversation(
    author: Visitor, enroll: Enroll, anna: Chat, sql: Sql
) -> None:
    learner = enroll(anna)
    ask(learner, f"How much? {EVIL}")
    thread = "select * from conversation_messages where media ? 'lesson_question' order by seq"
    (question,) = sql(thread)
    assert (question["direction"], question["kind"], question["read"]) == (0, "text", False)
    assert question["media"]["lesson_question"]["lesson"] == "what-sells"
    assert sql("select unread_count, waiting_since is not null as waits from conversations where id = %s",
               question["conversation_id"])[0]["waits"]  # fmt: skip

    assert text("en", "course_team_waiting", count=1) in author.get("/admin/courses").body
    page = author.get(QUESTIONS).body
    assert "<script>alert" not in page
    path = answer_path(page)
    assert author.post(path, {"text": "  "}).status == 422
    sent = author.post(path, {"text": f"As little as you like. {EVIL}"})
    assert "course_answered_notice" in sent.headers["Location"]

    arrived = eventually(lambda: [one for one in anna.answers() if "As little as you like" in one.text])
    assert len(arrived) == 1
    assert says(arrived[0].text, "lesson_answered", "en")
    assert "How much?" in arrived[0].text
    page = learner.get(LESSON).body
    assert "As little as you like" in page
    assert "<script>alert" not in page
    _, answer = eventually(lambda: [*rows] if (rows := sql(thread))[-1]["status"] == "sent" else None)
    assert (answer["direction"], answer["source"], answer["telegram_message_id"]) == (
        1,
        "staff",
        arrived[0].message_id,
    )
    (found,) = sql("select * from conversations where id = %s", question["conversation_id"])
    assert (found["handler"], found["waiting_since"], found["takeovers"]) == ("bot", None, 0)

    again = author.post(path, {"text": "Something else"})
    assert "course_answer_known_notice" in again.headers["Location"]
    assert author.post(path, {"text": "Something else"}, Accept="application/json").status == 409
    assert author.post(f"{QUESTIONS}/999999/answer", {"text": "x"}).status == 404
    assert "Something else" not in learner.get(LESSON).body
    assert "As little as you like" in author.get(f"{QUESTIONS}?show=answered").body
    assert learner.get(QUESTIONS).status == 403
    assert learner.post(path, {"text": "x"}).status == 403


def test_a_question_typed_in_the_bot_is_one_message_and_its_answer_stands_in_the_lesson(
    author: Visitor, enroll: Enroll, anna: Chat, sql: Sql
) -> None:
    enroll(anna)
    anna.send("/continue").wait()
    lesson = anna.answer()
    button = text("en", "learn_ask_button")
    lesson.tap(button).wait()
    typed = anna.send("Is there a trial?").wait()
    rows = sql("select * from conversation_messages where body = 'Is there a trial?'")
    assert [(one["telegram_message_id"], "lesson_question" in one["media"]) for one in rows] == [
        (typed.message_id, True)
    ]
    author.post(answer_path(author.get(QUESTIONS).body), {"text": "Yes, for a week."})
    eventually(lambda: [one for one in anna.answers() if "Yes, for a week." in one.text])
    seen = len(anna.answers())
    lesson.tap(button).wait()
    eventually(lambda: len(anna.answers()) > seen)
    assert "Yes, for a week." in anna.answers()[-1].text
    assert says(anna.answers()[-1].text, "learn_ask", "en")


def test_of_two_answers_at_once_the_first_counts(
    author: Visitor, enroll: Enroll, anna: Chat, sql: Sql
) -> None:
    ask(enroll(anna), "How much?")
    (row,) = sql("select q.id, s.user_id from lesson_questions as q, staff as s")

    def answer(number: int) -> str:
        found = sql(
            "select answer_lesson_question(%s, %s, %s) as done", row["user_id"], row["id"], f"No. {number}"
        )
        return str(found[0]["done"]["outcome"])

    assert sorted(in_parallel(2, answer)) == ["answered", "known"]
    assert len(sql("select from conversation_messages where source = 'staff'")) == 1


def test_without_the_messenger_authors_answer_on_the_page(
    author: Visitor, enroll: Enroll, anna: Chat, sql: Sql
) -> None:
    learner = enroll(anna)
    (user,) = sql("select id from users where telegram_id = %s", anna.id)
    (lesson,) = sql("select id from lessons where slug = 'what-sells'")
    sql("select ask_lesson_question(%s, %s, 'How much?', 'one')", user["id"], lesson["id"])
    assert sql("select from conversation_messages where body = 'How much?'") == []
    author.post(answer_path(author.get(QUESTIONS).body), {"text": "Little."})
    eventually(lambda: [one for one in anna.answers() if "Little." in one.text])
    assert "Little." in learner.get(LESSON).body
