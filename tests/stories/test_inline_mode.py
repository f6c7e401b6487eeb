"""A question in any chat: offered while it is typed, answered in the message that the user sent."""

from __future__ import annotations

import json

import pytest

from shared import bots
from shared.telegram.update_parsing import InvalidPayload, parse
from tests.support import says
from tests.telegram.test_updates import Sql, history_of, requests_of
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram.test_objects import InlineSent
from tools.emulator.telegram.users import Chat

BOTH = pytest.mark.parametrize("language", ["en", "ru"])
QUESTION = "why is the sky blue?"


@pytest.fixture
def language() -> str:
    return "en"


@pytest.fixture
def stranger(stack: Stack, language: str) -> Chat:
    """A group without the bot, as a user who never started it sees it."""
    user = stack.telegram.user("Anna", language)
    return stack.telegram.group("Friends", [user], []).by(user)


@pytest.fixture
def anna(stack: Stack, stranger: Chat, language: str) -> Chat:
    """The same of a user who has started the bot."""
    private = _private(stack, stranger)
    private.send("/start").wait()
    private.answer()
    return stranger


def _private(stack: Stack, chat: Chat) -> Chat:
    """The private chat of the same user with the assistant."""
    room = stack.telegram.state.private_room(chat.user.id, "assistant")
    return Chat(stack.telegram.services, chat.user, room)


def ask(chat: Chat, words: str = QUESTION) -> InlineSent:
    """Type a question, send what is offered, and wait until the bot has handled it."""
    query = chat.ask_inline(words, "assistant")
    chat.offered(query)
    return chat.choose(query).wait(timeout=60)


def calls_of(stack: Stack, method: str) -> list[dict[str, object]]:
    return [call for call in stack.telegram.calls if call["method"] == method]


@BOTH
def test_a_question_is_offered_and_answered(stack: Stack, sql: Sql, anna: Chat, language: str) -> None:
    query = anna.ask_inline(f"  {QUESTION} ", "assistant")
    offered = anna.offered(query)
    (article,) = offered["results"]
    assert says(article["title"], "inline_title", language, question=QUESTION)
    assert article["reply_markup"]["inline_keyboard"], "without a button Telegram gives no inline_message_id"
    assert offered["is_personal"]
    assert requests_of(sql, anna.user.id) == 0
    stack.ai.next(AiBehaviour(text="It **scatters** light."))
    sent = anna.choose(query).wait(timeout=60)
    assert sent.text == f"{QUESTION}\n\nIt scatters light."
    assert {entity["type"] for entity in sent.message.stored.data["entities"]} == {"blockquote", "bold"}
    assert says(sent.buttons[0]["text"], "inline_ask", language)
    assert requests_of(sql, anna.user.id) == 1
    assert history_of(sql, anna.user.id) == []


def test_typing_costs_neither_database_nor_ai(stack: Stack, anna: Chat) -> None:
    before = len(stack.ai.requests)
    stack.database.down()
    query = anna.ask_inline(QUESTION, "assistant")
    assert anna.offered(query)["results"]
    assert len(stack.ai.requests) == before
    (call,) = calls_of(stack, "answerInlineQuery")[-1:]
    assert call["via"] != "call"


@pytest.mark.parametrize("words", ["", "hi", "key sk-proj-" + "a1B2" * 12])
def test_what_is_no_question_offers_the_private_chat_alone(anna: Chat, words: str) -> None:
    offered = anna.offered(anna.ask_inline(words, "assistant"))
    assert offered["results"] == []
    assert offered["button"]["start_parameter"] == "inline"


@BOTH
def test_a_user_who_never_started_is_led_to_the_bot(
    stack: Stack, sql: Sql, stranger: Chat, language: str
) -> None:
    before = len(stack.ai.requests)
    sent = ask(stranger)
    assert says(sent.text.partition("\n\n")[2], "inline_start_first", language)
    assert sent.buttons[0]["url"].endswith("?start=inline")
    assert len(stack.ai.requests) == before
    assert sql("select 1 from users where telegram_id = %s", stranger.user.id) == []


@BOTH
def test_the_limit_of_the_plan_counts(stack: Stack, sql: Sql, anna: Chat, language: str) -> None:
    sql("update subscription_limits set daily_requests = 1")
    ask(anna)
    before = len(stack.ai.requests)
    sent = ask(anna)
    assert says(sent.text.partition("\n\n")[2], "inline_limit", language)
    assert sent.buttons[0]["url"].startswith("https://t.me/")
    assert len(stack.ai.requests) == before
    assert requests_of(sql, anna.user.id) == 1


@BOTH
def test_a_banned_user_gets_no_answer(stack: Stack, sql: Sql, anna: Chat, language: str) -> None:
    sql(
        "update users set banned_at = private.clock(), ban_reason = 'spam' where telegram_id = %s",
        anna.user.id,
    )
    before = len(stack.ai.requests)
    sent = ask(anna)
    assert says(sent.text.partition("\n\n")[2], "inline_banned", language)
    assert "spam" not in sent.text
    assert len(stack.ai.requests) == before


def test_a_long_answer_is_cut(stack: Stack, anna: Chat) -> None:
    stack.ai.next(AiBehaviour(text="A sentence about light. " * 200))
    sent = ask(anna)
    assert len(sent.text) <= len(QUESTION) + 2 + 1000
    assert sent.text.endswith("…")
    assert sent.edits == 1


def test_a_failed_answer_is_not_counted(stack: Stack, sql: Sql, anna: Chat) -> None:
    stack.ai.next(*[AiBehaviour(status=400)] * 4)
    sent = ask(anna)
    assert sent.edits == 1
    assert requests_of(sql, anna.user.id) == 0


def test_a_choice_delivered_twice_at_once_is_answered_once(stack: Stack, sql: Sql, anna: Chat) -> None:
    stack.telegram.deliver_twice()
    query = anna.ask_inline(QUESTION, "assistant")
    anna.offered(query)
    before = len(stack.ai.requests)
    stack.telegram.deliver_twice()
    sent = anna.choose(query).wait(timeout=60)
    assert sent.edits == 1
    assert len(stack.ai.requests) == before + 1
    assert requests_of(sql, anna.user.id) == 1


def test_a_lost_response_is_answered_once(stack: Stack, sql: Sql, anna: Chat) -> None:
    query = anna.ask_inline(QUESTION, "assistant")
    anna.offered(query)
    stack.telegram.lose_responses()
    sent = anna.choose(query).wait(timeout=60)
    assert sent.edits == 1
    assert requests_of(sql, anna.user.id) == 1


def test_an_edit_is_retried_without_a_chat(stack: Stack, anna: Chat) -> None:
    stack.telegram.fail("editMessageText", 500, times=1)
    sent = ask(anna)
    assert sent.edits == 1
    edits = calls_of(stack, "editMessageText")[-2:]
    assert [call["ok"] for call in edits] == [False, True]
    assert not any("chat_id" in call["parameters"] for call in edits)  # type: ignore[operator]


def test_an_edit_that_must_wait_is_made_by_the_sweep(stack: Stack, sql: Sql, anna: Chat) -> None:
    stack.telegram.fail("editMessageText", 429, retry_after=600)
    sent = ask(anna)
    assert sent.edits == 0
    sql("update telegram_outbox set send_after = private.clock()")
    stack.run_job("sweep")
    assert sent.edits == 1
    assert sql("select 1 from telegram_outbox") == []


def test_telegram_is_asked_for_inline_updates_only_where_the_mode_is_on() -> None:
    bot = bots.load("assistant")
    kinds = {"inline_query", "chosen_inline_result"}
    assert kinds <= set(bot.handled_kinds(has_inline_mode=True))
    assert not kinds & set(bot.handled_kinds())
    assert not kinds & set(bots.load("quiz").handled_kinds(has_inline_mode=True))


def test_a_choice_without_a_message_to_edit_is_acknowledged(stack: Stack, anna: Chat) -> None:
    before = len(stack.ai.requests)
    chosen = {"result_id": "ask", "from": anna.user.json(), "query": QUESTION}
    answer = stack.telegram.deliver({"update_id": 5, "chosen_inline_result": chosen})
    assert (answer.status, answer.body) == (200, b"")
    assert len(stack.ai.requests) == before


@pytest.mark.parametrize("more", [{"query": 5}, {"inline_message_id": 7}, {"from": "Anna"}])
def test_a_choice_of_another_shape_is_invalid(more: dict[str, object]) -> None:
    user = {"id": 71, "is_bot": False, "first_name": "Anna"}
    chosen = {"result_id": "ask", "from": user, "query": QUESTION, "inline_message_id": "x", **more}
    with pytest.raises(InvalidPayload):
        parse("assistant", json.dumps({"update_id": 5, "chosen_inline_result": chosen}).encode())


def test_the_private_chat_gets_one_answer(stack: Stack, anna: Chat) -> None:
    private = _private(stack, anna)
    before = len(stack.ai.requests)
    sent = ask(private)
    assert sent.edits == 1
    private.expect_silence()
    assert len(stack.ai.requests) == before + 1
