"""Summaries of what no longer fits into a history: off by default, counted, harmless when they fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.stories.test_conversations import ask, seen
from tests.support import says
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

Sql = Callable[..., list[dict[str, Any]]]
QUESTIONS = 4


@pytest.fixture
def anna(stack: Stack, sql: Sql) -> Chat:
    """Return a user with eight messages, of which four fit into the history."""
    sql("update subscription_limits set history_length = 4 where plan = 'FREE'")
    chat = stack.telegram.user("Anna").chat("assistant")
    for number in range(QUESTIONS):
        ask(chat, f"Question {number}")
    assert stack.telegram.idle()
    return chat


def switch_on(sql: Sql) -> None:
    sql("update private.settings set value = 'true' where key = 'summarize_history'")


def run(stack: Stack) -> Any:
    return stack.run_job("summaries").json()


def test_it_is_off_by_default(stack: Stack, sql: Sql, anna: Chat) -> None:
    assert run(stack) == {"saved": 0, "failed": 0}
    assert len(stack.ai.requests) == QUESTIONS
    assert sql("select * from ai_conversations") == []


def test_the_older_part_is_summarized_and_counted(stack: Stack, sql: Sql, anna: Chat) -> None:
    switch_on(sql)
    stack.ai.next(AiBehaviour(text="They asked four questions."))
    assert run(stack) == {"saved": 1, "failed": 0}
    sent = stack.ai.requests[-1]["messages"][-1]["content"]
    assert "Person: Question 0" in sent
    assert "Question 3" not in sent, "the newest messages stay as they are"
    assert sql("select count(*)::int as n from api_usage where cost > 0") == [{"n": QUESTIONS + 1}]
    ask(anna, "Next")
    *history, question = seen(stack)
    assert history[0] == "Question 3"
    assert "<summary>\nThey asked four questions.\n</summary>" in question
    assert "four questions" not in stack.ai.requests[-1]["messages"][0]["content"]
    assert run(stack) == {"saved": 0, "failed": 0}, "nothing new to summarize"


def test_a_later_summary_takes_the_earlier_one_along(stack: Stack, sql: Sql, anna: Chat) -> None:
    switch_on(sql)
    stack.ai.next(AiBehaviour(text="First summary."))
    run(stack)
    for number in range(2):
        ask(anna, f"Later {number}")
    assert stack.telegram.idle()
    stack.ai.next(AiBehaviour(text="Second summary."))
    assert run(stack)["saved"] == 1
    sent = stack.ai.requests[-1]["messages"][-1]["content"]
    assert "First summary." in sent
    assert "Question 0" not in sent
    ask(anna, "And now?")
    assert "Second summary." in seen(stack)[-1]
    assert "First summary." not in seen(stack)[-1]


def test_a_failure_leaves_the_conversation_as_it_was(stack: Stack, sql: Sql, anna: Chat) -> None:
    switch_on(sql)
    stack.ai.next(AiBehaviour(status=400), AiBehaviour(status=400))
    assert run(stack) == {"saved": 0, "failed": 1}
    assert run(stack) == {"saved": 0, "failed": 0}, "it is left alone for a while"
    assert ask(anna, "Next").text
    assert "<summary>" not in seen(stack)[-1]


def test_clearing_deletes_the_summary(stack: Stack, sql: Sql, anna: Chat) -> None:
    switch_on(sql)
    run(stack)
    assert sql("select summary from ai_conversations")[0]["summary"]
    assert says(ask(anna, "/clear").text, "clear_done")
    assert sql("select summary, summary_until from ai_conversations") == [
        {"summary": None, "summary_until": None}
    ]
    ask(anna, "Next")
    assert seen(stack) == ["Next"]


def test_a_summary_of_messages_that_were_cleared_meanwhile_is_not_stored(
    stack: Stack, sql: Sql, anna: Chat
) -> None:
    switch_on(sql)
    claim = sql("select claim_summaries(50, 40000) as claims")[0]["claims"][0]
    assert sql("select claim_summaries(50, 40000) as claims") == [{"claims": []}], "one run claims it"
    ask(anna, "/clear")
    done = sql("select save_summary(%s, %s, 'old', %s) as done", claim["id"], claim["claim"], claim["until"])
    assert done == [{"done": {"saved": False, "outgoing": []}}]
    assert sql("select summary from ai_conversations") == [{"summary": None}]


def test_a_named_conversation_has_its_own_summary(stack: Stack, sql: Sql, anna: Chat) -> None:
    ask(anna, "/new Work")
    for number in range(QUESTIONS):
        ask(anna, f"Work {number}")
    assert stack.telegram.idle()
    switch_on(sql)
    assert run(stack)["saved"] == 2
    sent = [request["messages"][-1]["content"] for request in stack.ai.requests[-2:]]
    assert all(("Question" in one) != ("Work" in one) for one in sent)
    assert sql("select is_main, summary is not null as has from ai_conversations order by is_main") == [
        {"is_main": False, "has": True},
        {"is_main": True, "has": True},
    ]


def test_old_summaries_are_deleted(stack: Stack, sql: Sql, anna: Chat) -> None:
    switch_on(sql)
    run(stack)
    sql("update private.settings set value = 'false' where key = 'summarize_history'")
    sql("update ai_conversations set last_used_at = now() - interval '181 days'")
    run(stack)
    assert sql("select summary, summary_until from ai_conversations") == [
        {"summary": None, "summary_until": None}
    ]
