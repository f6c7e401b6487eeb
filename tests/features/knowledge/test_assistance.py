"""Stories of the AI's help for operators: replies, summaries, translations, articles; nothing is sent."""

from __future__ import annotations

import json

import pytest

from shared.core.texts import text
from tests.features.knowledge.conftest import Sql, publish
from tests.web.visitor import Answer, Visitor
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

JSON = {"Accept": "application/json"}
KEY = "sk-" + "proj1234567890abcdefghijCANARY"
CANARIES = (
    "+7 (913) 555-01-73", "89135550174", "canary.anna@example.com", "4276 3800 1234 5679",
    "40817810099910004312", "DE89370400440532013000", KEY,
)  # fmt: skip
PIECES = (
    "913", "5550174", "canary.anna", "4276", "5679", "408178", "DE8937", "CANARY", "ZEBRA",
    "5550175", "BUYER",
)  # fmt: skip


@pytest.fixture
def conversation(stack: Stack, sql: Sql, anna: Chat) -> int:
    """A conversation of a user with the AI, with everything in it that must not leave."""
    ben = stack.telegram.user("Ben", "en").chat("assistant")
    stack.ai.next(AiBehaviour(text="Hello Ben"))
    ben.send("my words, ZEBRA-BEN, are my own business").wait()
    ben.answer()
    stack.ai.next(AiBehaviour(text="Which one?"))
    anna.send("I cannot open my course").wait()
    anna.answer()
    stack.telegram.idle(10)
    (found,) = sql(
        "select c.id, c.user_id from conversations as c join users as u on u.id = c.user_id"
        " where u.telegram_id = %s",
        anna.id,
    )
    rows = [(0, "text", "user", f"my {one} is here") for one in CANARIES]
    rows += [
        (1, "note", "staff", "NOTE-CANARY of the team"),
        (1, "text", "bot", "MENU-CANARY: balance 5"),
        (1, "text", "system", "SYSTEM-CANARY"),
        (0, "contact", "user", "CONTACT-CANARY +79135550175"),
        (0, "event", "user", "TAP-CANARY"),
        (0, "text", "user", "So how do I open the course?"),
        (1, "text", "staff", "Restart the bot, then open it again."),
    ]
    for number, (direction, kind, source, body) in enumerate(rows, 900):
        sql(
            "insert into conversation_messages"
            " (conversation_id, body, direction, kind, source, seq, version)"
            " values (%s, %s, %s, %s, %s, %s, 1)",
            found["id"], body, direction, kind, source, number,
        )  # fmt: skip
    sql("update conversations set last_seq = 950, last_in_seq = 940, ai_background = 'BUYER' where id = %s",
        found["id"])  # fmt: skip
    return int(found["id"])


def call(operator: Visitor, conversation: int, what: str, **fields: str) -> Answer:
    operator.get("/knowledge")
    return operator.post(f"/messenger/{conversation}/{what}", fields, **JSON)


@pytest.mark.parametrize(
    ("what", "fields"),
    [("draft_reply", {}), ("summary", {}), ("translation", {"text": f"call {CANARIES[0]}, {KEY}"})],
)
def test_nothing_that_must_not_leave_reaches_the_ai(
    stack: Stack, operator: Visitor, conversation: int, what: str, fields: dict[str, str], sql: Sql
) -> None:
    publish(operator, "How to open a course", "Open a course with /courses.", "open-course")
    stack.ai.next(AiBehaviour(text="Please restart."))
    outgoing = sql("select count(*) as n from conversation_messages")
    answer = call(operator, conversation, what, **fields)
    assert answer.status == 200, answer.body
    assert json.loads(answer.body)["text"] == "Please restart."
    request = stack.ai.requests[-1]
    written = json.dumps(request, ensure_ascii=False)
    assert [piece for piece in PIECES if piece in written] == []
    sent = json.loads(request["messages"][-1]["content"])
    assert set(sent) <= {"messages", "articles"}
    assert {key for one in sent["messages"] for key in one} == {"from", "text"}
    assert "user" not in request
    if what != "translation":
        assert "I cannot open my course" in written
    if what == "draft_reply":
        assert [one["title"] for one in sent["articles"]] == ["How to open a course"]
        assert {key for one in sent["articles"] for key in one} == {"title", "link", "text"}
        assert json.loads(answer.body)["articles"][0]["link"].endswith("/help/assistant/en/open-course")
    assert sql("select count(*) as n from conversation_messages") == outgoing, "nothing is sent"
    (row,) = sql("select reason, user_id, cost from api_usage where reason is not null")
    assert row["reason"] == what
    assert row["user_id"] == sql("select user_id from staff")[0]["user_id"]
    assert sql("select calls, cost from assistance_days") == [{"calls": 1, "cost": row["cost"]}]


def test_a_message_is_translated_for_the_operator(stack: Stack, operator: Visitor, conversation: int) -> None:
    stack.ai.next(AiBehaviour(text="Не могу открыть курс"))
    seq = "905"
    answer = call(operator, conversation, "translation", seq=seq, language="ru")
    assert json.loads(answer.body)["language"] == "ru"
    assert "into русский" in stack.ai.requests[-1]["messages"][0]["content"].lower()
    assert call(operator, conversation, "translation", seq="907").status == 422, "a note is not translated"
    assert call(operator, conversation, "translation").status == 422
    assert call(operator, conversation, "translation", seq=seq, language="xx").status == 422


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_budget_of_the_day_ends_with_a_clear_text(
    stack: Stack, operator: Visitor, conversation: int, sql: Sql, language: str
) -> None:
    sql("insert into private.settings values ('assistance_daily_cost:assistant', '0', 'test')")
    operator.get(f"/knowledge?lang={language}")
    requests = len(stack.ai.requests)
    answer = operator.post(f"/messenger/{conversation}/draft_reply?lang={language}", {}, **JSON)
    assert (answer.status, json.loads(answer.body)) == (
        429,
        {"outcome": "limited", "message": text(language, "knowledge_ai_limited")},
    )
    assert len(stack.ai.requests) == requests


def test_failures_of_the_ai_have_their_texts_and_their_cost_is_given_back(
    stack: Stack, operator: Visitor, conversation: int, sql: Sql
) -> None:
    for _ in range(3):
        stack.ai.next(AiBehaviour(status=429))
    answer = call(operator, conversation, "summary")
    assert answer.status == 429
    assert json.loads(answer.body)["message"] == text("en", "knowledge_ai_overloaded")
    assert sql("select cost from assistance_days")[0]["cost"] == 0


def test_others_may_not_ask(stack: Stack, operator: Visitor, conversation: int, anna: Chat) -> None:
    user = Visitor(stack)
    user.log_in(anna, "/dashboard")
    for what in ("draft_reply", "summary", "translation"):
        assert user.post(f"/messenger/{conversation}/{what}", {"text": "x"}, **JSON).status == 403
    assert call(operator, 999_999, "summary").status == 404


def test_a_closed_conversation_becomes_a_draft_that_an_operator_checks(
    stack: Stack, operator: Visitor, conversation: int, sql: Sql
) -> None:
    sql("update conversations set status = 'closed', closed_at = private.clock() where id = %s", conversation)
    page = operator.get("/knowledge").body
    path = f"/knowledge/conversations/{conversation}"
    assert f"{path}/draft" in page
    stack.ai.next(AiBehaviour(text="NONE"))
    refused = operator.post(f"{path}/draft", {})
    assert (refused.status, text("en", "knowledge_ai_empty").split("’")[0] in refused.body) == (422, True)
    operator.get("/knowledge")
    stack.ai.next(AiBehaviour(text="A course does not open\n\nRestart the bot."))
    drafted = operator.post(f"{path}/draft", {})
    assert "knowledge_drafted_notice" in drafted.headers["Location"]
    written = json.dumps(stack.ai.requests[-1], ensure_ascii=False)
    assert [piece for piece in PIECES if piece in written] == []
    (row,) = sql("select * from knowledge_articles")
    assert (row["title"], row["body"], row["status"], row["is_from_ai"]) == (
        "A course does not open", "Restart the bot.", "draft", True,
    )  # fmt: skip
    assert f"{path}/draft" not in operator.get("/knowledge").body
    sql("update conversations set last_in_seq = 960, last_seq = 960 where id = %s", conversation)
    assert f"{path}/draft" in operator.get("/knowledge").body, "the user wrote again"
    operator.post(f"{path}/dismiss", {})
    assert f"{path}/draft" not in operator.get("/knowledge").body
