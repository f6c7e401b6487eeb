"""/support, the wish for a human, the question after closing, and chats with the owner's own account."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.messenger_team import Call, make_operator, make_user
from tests.stories.test_messenger_thread import conversation_of, thread_of
from tests.support import new_update_id, says
from tests.telegram.test_updates import Sql
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram.users import Chat

BOTH = pytest.mark.parametrize("language", ["en", "ru"])


@BOTH
def test_a_user_asks_for_a_human_and_goes_back_to_the_bot(stack: Stack, sql: Sql, language: str) -> None:
    anna = make_user(stack, language=language)
    anna.send("/support").wait()
    offer = anna.answer()
    assert says(offer.text, "support", language)
    offer.tap(offer.buttons[0][0].text).wait()
    assert says(anna.answers()[-1].text, "support_waiting", language)
    found = conversation_of(sql, anna.id)
    assert (found["handler"], found["takeovers"]) == ("human", 1)
    assert found["waiting_since"] is not None
    anna.send("my payment failed").wait()
    assert stack.ai.requests == []
    anna.send("/support").wait()
    waiting = anna.answers()[-1]
    waiting.tap(waiting.buttons[0][0].text).wait()
    assert says(anna.answers()[-1].text, "bot_is_back", language)
    assert conversation_of(sql, anna.id)["handler"] == "bot"
    stack.ai.next(AiBehaviour(text="Me again."))
    anna.send("hello").wait()
    stack.telegram.idle(10)
    assert anna.answers()[-1].text == "Me again."


def test_a_human_is_offered_after_the_ai_failed_twice(stack: Stack, sql: Sql) -> None:
    anna = make_user(stack)
    stack.ai.always(AiBehaviour(status=500))
    anna.send("hello").wait()
    stack.telegram.idle(10)
    assert not any(b.data == "human" for row in anna.answers()[-1].buttons for b in row)
    anna.send("hello?").wait()
    stack.telegram.idle(10)
    (row,) = anna.answers()[-1].buttons
    assert row[0].data == "human"


def test_without_the_messenger_support_names_the_contact(stack: Stack) -> None:
    quiz = stack.telegram.user("Ben", "en").chat("quiz")
    quiz.send("/start").wait()
    quiz.answer()
    quiz.send("/support").wait()
    assert says(quiz.answer().text, "support_contact")
    quiz.send("/help").wait()
    assert "/support " not in quiz.answers()[-1].text.replace("—", " ")


def test_the_user_rates_a_closed_conversation_once(stack: Stack, call: Call, sql: Sql) -> None:
    anna, olga = make_user(stack), make_operator(stack, sql)
    question = {"en": "Did we help?"}
    call("close_conversation", olga, conversation_of(sql, anna.id)["id"], question, ["1", "2", "3", "4", "5"])
    stack.run_job("messenger")
    asked = anna.answers()[-1]
    asked.tap("4").wait()
    assert says(anna.answers()[-1].text, "messenger_rated")
    found = conversation_of(sql, anna.id)
    assert (found["rating"], found["status"]) == (4, "closed")


def business(chat: Chat, sender: dict[str, Any], text: str, message_id: int, **more: Any) -> dict[str, Any]:
    """A message between a customer and the owner's account."""
    return {
        "message_id": message_id,
        "business_connection_id": "bc1",
        "from": sender,
        "chat": {"id": chat.id, "type": "private", "first_name": "Anna"},
        "date": 1,
        "text": text,
        **more,
    }


def test_messages_of_the_owners_account_are_conversations_of_their_own(
    stack: Stack, call: Call, sql: Sql
) -> None:
    anna, olga = make_user(stack), make_operator(stack, sql)
    customer = {"id": anna.id, "is_bot": False, "first_name": "Anna", "language_code": "en"}
    owner = {"id": anna.id + 7, "is_bot": False, "first_name": "Olga"}
    calls = len(stack.telegram.calls)

    def deliver(kind: str, message: dict[str, Any]) -> None:
        update = {"update_id": new_update_id(), kind: message}
        assert stack.telegram.deliver(update).status == 200
        assert stack.telegram.deliver(update).status == 200  # again: once in the thread

    deliver("business_message", business(anna, customer, "do you ship?", 501))
    deliver("edited_business_message", business(anna, customer, "do you ship abroad?", 501))
    deliver("business_message", business(anna, owner, "yes", 502))
    (found,) = sql("select * from conversations where connection = 'bc1'")
    assert (found["handler"], found["handler_until"], found["waiting_since"]) == ("human", None, None)
    messages = sql("select * from conversation_messages where conversation_id = %s order by seq", found["id"])
    assert [(m["direction"], m["source"], m["body"]) for m in messages] == [
        (0, "user", "do you ship abroad?"),
        (1, "staff", "yes"),
    ]
    assert len(stack.telegram.calls) == calls  # the bot says nothing
    call("send_conversation_message", olga, found["id"], "Anything else?", 2, "r1", p_notice={"en": "x"})
    stack.run_job("messenger")
    sent = [c for c in stack.telegram.calls if c["method"] == "sendMessage"][-1]["parameters"]
    assert (sent["business_connection_id"], sent["text"]) == ("bc1", "Anything else?")
    assert thread_of(sql, anna.id)[-1]["source"] != "system"
