"""A long answer is shown while it grows, and the user can stop it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from tests.support import eventually, says
from tests.telegram.test_updates import Sql, history_of, requests_of, sent_to
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram.users import Chat

WORDS = [f"word{number} " for number in range(40)]
LONG = AiBehaviour(chunks=WORDS, chunk_delay=0.1)  # four seconds
ENDLESS = AiBehaviour(chunks=WORDS * 5, chunk_delay=0.1)


BOTH = pytest.mark.parametrize("language", ["en", "ru"])


@pytest.fixture
def language() -> str:
    return "en"


@pytest.fixture
def anna(stack: Stack, language: str) -> Chat:
    chat = stack.telegram.user("Anna", language).chat("assistant")
    chat.send("/start").wait()
    chat.answer()
    return chat


def drafts(stack: Stack, chat: Chat) -> list[dict[str, Any]]:
    """The drafts of this chat, oldest first."""
    return [
        call["parameters"]
        for call in stack.telegram.calls
        if call["method"] == "sendMessageDraft" and call["parameters"]["chat_id"] == chat.id
    ]


def test_a_long_answer_grows_and_arrives_once(stack: Stack, sql: Sql, anna: Chat) -> None:
    stack.ai.next(LONG)
    sent = anna.send("tell me a story").wait(timeout=60)
    shown = drafts(stack, anna)
    assert len(shown) >= 2
    assert {draft["draft_id"] for draft in shown} == {sent.update.update_id}
    assert all(later["text"].startswith(draft["text"]) for draft, later in pairwise(shown))
    assert "".join(WORDS).startswith(shown[0]["text"])
    (answer,) = anna.answers()[1:]
    assert answer.text == "".join(WORDS).strip()
    assert requests_of(sql, anna.id) == 1
    assert history_of(sql, anna.id) == ["user", "assistant"]


def test_a_quick_answer_has_no_draft(stack: Stack, anna: Chat) -> None:
    anna.send("quick").wait()
    assert drafts(stack, anna) == []


@BOTH
def test_a_stopped_answer_keeps_what_was_written(stack: Stack, sql: Sql, anna: Chat, language: str) -> None:
    stack.ai.next(ENDLESS)
    sent = anna.send("tell me a story")
    draft = anna.draft()
    assert draft["can_stop"]
    anna.stop()
    sent.wait(timeout=60)
    (answer,) = anna.answers()[1:]
    assert answer.text.startswith(draft["text"])
    assert says(answer.text, "ai_stopped", language)
    assert len(answer.text) < 8 * len(WORDS) * 5
    assert requests_of(sql, anna.id) == 1
    (call,) = sql("select status, tokens_out, cost from api_usage order by id desc limit 1")
    assert call["status"] == "part"
    assert call["tokens_out"] is None
    (kept,) = sql("select content from messages where role = 'assistant' order by id desc limit 1")
    assert draft["text"] in kept["content"]
    most = sql("select cost from api_usage order by cost desc limit 1")[0]["cost"]
    assert 0 < most < 0.01  # of 8,000 tokens it would be 0.016


def test_a_late_stop_changes_nothing(stack: Stack, sql: Sql, anna: Chat) -> None:
    stack.ai.next(LONG)
    sent = anna.send("tell me a story").wait(timeout=60)
    anna.stop(sent.update.update_id)
    anna.stop(12345)
    stack.telegram.idle(10)
    assert anna.answers()[1:][0].text == "".join(WORDS).strip()
    assert not sql("select from telegram_updates where is_stopped")


def test_another_chat_cannot_stop_an_answer(stack: Stack, anna: Chat) -> None:
    ben = stack.telegram.user("Ben").chat("assistant")
    ben.send("/start").wait()
    stack.ai.next(LONG)
    sent = anna.send("tell me a story")
    ben.stop(anna.draft()["draft_id"])
    sent.wait(timeout=60)
    assert anna.answers()[1:][0].text == "".join(WORDS).strip()


@pytest.mark.parametrize(
    "fault",
    [{"status": 429, "retry_after": 3}, {"status": 400}, {"status": 502}, {"timeout": True}],
    ids=["rate limit", "refused", "gateway", "timeout"],
)
def test_a_failing_draft_never_harms_the_answer(
    stack: Stack, sql: Sql, anna: Chat, fault: dict[str, Any]
) -> None:
    stack.telegram.fail("sendMessageDraft", **fault, times=10)
    stack.ai.next(LONG)
    anna.send("tell me a story").wait(timeout=60)
    assert [answer.text for answer in anna.answers()[1:]] == ["".join(WORDS).strip()]
    assert requests_of(sql, anna.id) == 1
    if "retry_after" in fault:
        assert len(drafts(stack, anna)) < 3
    elif fault.get("status") == 400:
        assert len(drafts(stack, anna)) == 1


def test_unfinished_markdown_is_closed_in_a_draft(stack: Stack, anna: Chat) -> None:
    stack.ai.next(AiBehaviour(chunks=["Some **bold words and ", "more"] + [" on"] * 20, chunk_delay=0.15))
    sent = anna.send("tell me a story")
    draft = anna.draft()
    assert "*" not in draft["text"]
    assert draft["entities"][0]["type"] == "bold"
    sent.wait(timeout=60)


def test_a_draft_shows_the_end_of_an_answer_over_the_limit(stack: Stack, anna: Chat) -> None:
    lines = [f"{number:04} " + "х" * 200 + "\n\n" for number in range(40)]
    stack.ai.next(AiBehaviour(chunks=lines, chunk_delay=0.07))
    anna.send("everything").wait(timeout=60)
    last = drafts(stack, anna)[-1]["text"]
    assert len(last) <= 4096
    assert "0000" not in last
    assert len(anna.answers()[1:]) > 1


def test_an_error_in_the_middle_keeps_the_text(stack: Stack, anna: Chat) -> None:
    stack.ai.next(AiBehaviour(chunks=WORDS, chunk_delay=0.1, cut_after=20))
    anna.send("tell me a story").wait(timeout=60)
    assert drafts(stack, anna)
    (answer,) = anna.answers()[1:]
    assert answer.text.startswith("word0")
    assert says(answer.text, "ai_broken")


def test_a_second_message_during_a_draft_waits_for_its_turn(stack: Stack, anna: Chat) -> None:
    stack.ai.next(LONG, AiBehaviour(text="second"))
    anna.send("tell me a story")
    anna.draft()
    anna.send("and more").wait(timeout=60)
    assert [answer.text for answer in anna.answers()[1:]] == ["".join(WORDS).strip(), "second"]


def test_an_erasure_ends_an_answer_in_progress(stack: Stack, sql: Sql, anna: Chat) -> None:
    anna.send("/deleteme").wait()
    screen = anna.answer()
    query = {
        "id": "77",
        "from": anna.user.json(),
        "message": screen.data,
        "chat_instance": "1",
        "data": screen.button("🗑 Delete everything").data,
    }
    stack.ai.next(ENDLESS)
    anna.send("tell me a story")
    anna.draft()
    before = len(anna.answers())
    stack.telegram.deliver({"update_id": 123, "callback_query": query})
    stack.telegram.idle(60)
    assert not sql("select from users where telegram_id = %s", anna.id)
    assert not sql("select from messages")
    assert not sql("select from telegram_updates where status <> 'finished' or payload is not null")
    assert not [answer.text for answer in anna.answers()[before:] if "word1" in answer.text]
    assert len(drafts(stack, anna)) <= 3


def test_no_drafts_in_groups_and_with_voice_answers(stack: Stack, anna: Chat) -> None:
    user = stack.telegram.user("Ben")
    group = stack.telegram.group("Team", [user], ["assistant"])
    stack.ai.next(LONG)
    name = stack.telegram.bot("assistant").username
    chat = group.by(user)
    chat.send(f"@{name} tell me a story").wait(timeout=60)
    assert drafts(stack, chat) == []
    anna.send("/voice").wait()
    stack.ai.next(LONG)
    anna.send("tell me a story").wait(timeout=60)
    assert drafts(stack, anna) == []


def test_drafts_add_no_round_trip_until_one_is_shown(stack: Stack, anna: Chat) -> None:
    anna.send("hello").wait()  # the first question of a process also reads the prices
    stack.telegram.idle(10)
    calls: list[str] = []
    stack.database.on("select public.", when="before", do=lambda: calls.append("call"), times=100)
    stack.ai.next(AiBehaviour(chunks=WORDS[:20], chunk_delay=0.1))  # two seconds: one draft
    anna.send("tell me a story").wait(timeout=60)
    stack.telegram.idle(10)
    assert len(drafts(stack, anna)) == 1
    assert len(calls) == 3


def test_killed_while_a_draft_is_shown_the_answer_comes_once(
    stack: Stack, sql: Sql, clock: Callable[[str], None]
) -> None:
    anna = stack.telegram.user("Anna").chat("assistant")
    anna.send("/start").wait()
    stack.ai.next(ENDLESS)
    sent = anna.send("tell me a story")
    anna.draft()
    stack.function("telegram").kill()
    clock("clock_timestamp() + interval '3 minutes'")
    stack.function("telegram").restart()
    stack.telegram.retry_now()
    sent.wait(timeout=60)
    assert len(eventually(lambda: sent_to(stack, anna.id))) == 1
    assert requests_of(sql, anna.id) == 1
    assert history_of(sql, anna.id) == ["user", "assistant"]
