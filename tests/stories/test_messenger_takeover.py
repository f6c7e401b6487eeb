"""Bot and human never talk over each other: a takeover at any step of an AI answer drops that answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.stories.test_messenger_thread import conversation_of, shown, thread_of
from tests.support import eventually, says
from tests.telegram.test_updates import Sql, history_of, requests_of, sent_to
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram.users import Chat

WORDS = [f"word{number} " for number in range(40)]


@pytest.fixture
def anna(stack: Stack) -> Chat:
    chat = stack.telegram.user("Anna", "en").chat("assistant")
    chat.send("/start").wait()
    chat.answer()
    return chat


def switch(sql: Sql, telegram_id: int, handler: str, until: str = "null") -> None:
    """Make another operator answer in the user's conversation."""
    sql(
        "select private.switch_handler(c, %s, " + until + ") from conversations as c "
        "join users as u on u.id = c.user_id where u.telegram_id = %s for update of c",
        handler,
        telegram_id,
    )


Take = Callable[[], None]


def _before_it_is_received(stack: Stack, take: Take) -> None:
    stack.database.on("receive_update", when="before", do=take)


def _after_it_is_received(stack: Stack, take: Take) -> None:
    stack.database.on("receive_update", when="after", do=take)


def _before_it_is_committed(stack: Stack, take: Take) -> None:
    stack.database.on("finish_update", when="before", do=take)


@pytest.mark.parametrize(
    ("arrange", "calls_the_ai"),
    [(_before_it_is_received, False), (_after_it_is_received, True), (_before_it_is_committed, True)],
)
def test_a_takeover_drops_the_answer_of_the_ai(
    stack: Stack, sql: Sql, anna: Chat, arrange: Callable[[Stack, Take], None], calls_the_ai: bool
) -> None:
    stack.ai.next(AiBehaviour(text="Too late."))
    arrange(stack, lambda: switch(sql, anna.id, "human"))
    anna.send("hello").wait()
    stack.telegram.idle(10)
    assert len(stack.ai.requests) == calls_the_ai
    assert sent_to(stack, anna.id) == []
    assert shown(sql, anna.id)[2:] == [(0, "user", "text", "hello")]
    assert history_of(sql, anna.id) == []
    # The provider did paid work, so the request counts; without a call it is never reserved.
    assert requests_of(sql, anna.id) == calls_the_ai
    found = conversation_of(sql, anna.id)
    assert (found["handler"], found["takeovers"], found["unread_count"]) == ("human", 1, 2)
    assert found["waiting_since"] is not None


def test_a_takeover_while_the_ai_thinks_drops_the_answer(stack: Stack, sql: Sql, anna: Chat) -> None:
    stack.ai.next(AiBehaviour(text="Too late.", delay=1.0))
    sent = anna.send("hello")
    eventually(lambda: len(stack.ai.requests) == 1)
    switch(sql, anna.id, "human")
    sent.wait()
    stack.telegram.idle(10)
    assert sent_to(stack, anna.id) == []
    assert history_of(sql, anna.id) == []


def test_a_takeover_stops_an_answer_that_is_shown_while_it_grows(stack: Stack, sql: Sql, anna: Chat) -> None:
    stack.ai.next(AiBehaviour(chunks=WORDS * 5, chunk_delay=0.1))  # twenty seconds
    sent = anna.send("tell me a story")
    anna.draft(timeout=30)
    switch(sql, anna.id, "human")
    sent.wait(timeout=60)
    stack.telegram.idle(10)
    assert sent_to(stack, anna.id) == []
    assert history_of(sql, anna.id) == []
    drafts = [c for c in stack.telegram.calls if c["method"] == "sendMessageDraft"]
    assert "word150 " not in drafts[-1]["parameters"]["text"]


def test_an_answer_that_waits_for_another_attempt_is_withdrawn(
    stack: Stack, sql: Sql, clock: Callable[[str], None], anna: Chat
) -> None:
    stack.ai.next(AiBehaviour(text="Delayed."))
    stack.telegram.fail("sendMessage", 429, retry_after=60)
    anna.send("hello").wait()
    eventually(lambda: sql("select from telegram_outbox where attempts = 1"))
    switch(sql, anna.id, "human")
    clock("clock_timestamp() + interval '5 minutes'")
    stack.run_job("sweep")
    assert sent_to(stack, anna.id) == []
    assert thread_of(sql, anna.id)[-1]["status"] == "canceled"


def test_a_failed_ai_is_not_explained_over_a_human(stack: Stack, sql: Sql, anna: Chat) -> None:
    stack.ai.next(AiBehaviour(status=500))
    stack.ai.next(AiBehaviour(status=500))
    stack.database.on("finish_update", when="before", do=lambda: switch(sql, anna.id, "human"))
    anna.send("hello").wait()
    stack.telegram.idle(10)
    assert len(anna.answers()) == 1  # that of /start
    assert requests_of(sql, anna.id) == 0


@pytest.mark.parametrize("handler", ["human", "paused"])
def test_commands_and_buttons_work_while_a_human_answers(
    stack: Stack, sql: Sql, anna: Chat, handler: str
) -> None:
    switch(sql, anna.id, handler)
    anna.send("are you there?").wait()
    anna.photo("look").wait()
    anna.voice().wait()
    assert len(anna.answers()) == 1
    assert stack.ai.requests == []
    assert requests_of(sql, anna.id) == 0
    anna.send("/menu").wait()
    assert anna.answers()[-1].buttons


def test_a_text_that_the_bot_asked_for_goes_to_the_bot(stack: Stack, sql: Sql, anna: Chat) -> None:
    anna.send("/promo").wait()
    switch(sql, anna.id, "human")
    anna.send("NOSUCHCODE").wait()
    assert says(anna.answers()[-1].text, "promo_unknown") or len(anna.answers()) == 3


def test_a_takeover_keeps_the_answer_to_a_command(stack: Stack, sql: Sql, anna: Chat) -> None:
    stack.database.on("finish_update", when="before", do=lambda: switch(sql, anna.id, "human"))
    anna.send("/help").wait()
    assert len(anna.answers()) == 2


def test_the_bot_answers_again_when_the_time_is_over(stack: Stack, sql: Sql, anna: Chat) -> None:
    switch(sql, anna.id, "human", "private.clock() - interval '1 second'")
    stack.ai.next(AiBehaviour(text="Here I am."))
    anna.send("hello").wait()
    stack.telegram.idle(10)
    back, answer = anna.answers()[1:]
    assert says(back.text, "bot_is_back")
    assert answer.text == "Here I am."
    assert requests_of(sql, anna.id) == 1
    assert conversation_of(sql, anna.id)["handler"] == "bot"


def test_the_history_goes_on_after_the_human(stack: Stack, sql: Sql, anna: Chat) -> None:
    switch(sql, anna.id, "human")
    anna.send("to the human").wait()
    switch(sql, anna.id, "bot")
    stack.ai.next(AiBehaviour(text="Hello again."))
    anna.send("to the bot").wait()
    stack.telegram.idle(10)
    assert history_of(sql, anna.id) == ["user", "assistant"]
    assert [m["body"] for m in thread_of(sql, anna.id)[2:]] == ["to the human", "to the bot", "Hello again."]


def test_a_button_that_asks_the_ai_says_why_it_does_nothing(stack: Stack, sql: Sql, anna: Chat) -> None:
    stack.ai.next(AiBehaviour(text="First."))
    anna.send("hello").wait()
    answer: Any = anna.answer()
    switch(sql, anna.id, "human")
    label = next(b.text for row in answer.buttons for b in row if (b.data or "").startswith("again"))
    tap = answer.tap(label)
    tap.wait()
    assert says(tap.answer()["text"], "human_answers")
    assert len(stack.ai.requests) == 1
