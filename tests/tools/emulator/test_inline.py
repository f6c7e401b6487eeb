"""Inline mode of the emulator: which updates come, what bots may offer, which message an edit finds."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import eventually
from tests.tools.emulator.receiving import Receiver
from tools.emulator.telegram import Chat, Telegram
from tools.emulator.telegram.errors import ApiError
from tools.emulator.telegram.inline import Query

Json = dict[str, Any]
BUTTON = {"inline_keyboard": [[{"text": "Again", "switch_inline_query_current_chat": ""}]]}
ARTICLE: Json = {
    "type": "article",
    "id": "1",
    "title": "Ask",
    "input_message_content": {"message_text": "Thinking"},
    "reply_markup": BUTTON,
}


@pytest.fixture
def chat(telegram: Telegram, receiver: Receiver) -> Chat:
    """A group without the bot; the receiver is the bot's webhook."""
    anna = telegram.user("Anna")
    return telegram.group("Friends", [anna], []).by(anna)


def offer(telegram: Telegram, query: Query, *results: Json) -> None:
    telegram.request(
        "assistant", "answerInlineQuery", {"inline_query_id": query.id, "results": list(results)}
    )


def test_a_query_and_a_choice_reach_the_bot(telegram: Telegram, receiver: Receiver, chat: Chat) -> None:
    query = chat.ask_inline("why?", "assistant")
    offer(telegram, query, ARTICLE)
    sent = chat.choose(query, "1").wait()
    # The query is delivered beside the choice, and may come later.
    asked = eventually(lambda: [one["inline_query"] for one in receiver.updates if "inline_query" in one])[0]
    assert (asked["query"], asked["chat_type"]) == ("why?", "supergroup")
    chosen = next(one["chosen_inline_result"] for one in receiver.updates if "chosen_inline_result" in one)
    assert (chosen["query"], chosen["inline_message_id"]) == ("why?", sent.message.id)
    edit = {"inline_message_id": sent.message.id, "text": "Because"}
    assert telegram.request("assistant", "editMessageText", edit) is True
    assert (sent.text, sent.buttons) == ("Because", [])


def test_a_chat_hides_the_inline_message(telegram: Telegram, chat: Chat) -> None:
    query = chat.ask_inline("why?", "assistant")
    offer(telegram, query, ARTICLE)
    sent = chat.choose(query, "1")
    edit = {"inline_message_id": sent.message.id, "text": "Because", "chat_id": chat.user.id}
    with pytest.raises(ApiError):
        telegram.request("assistant", "editMessageText", edit)
    with pytest.raises(ApiError, match="MESSAGE_ID_INVALID"):
        telegram.request("assistant", "editMessageText", {"inline_message_id": "none", "text": "Because"})


def test_without_a_button_there_is_no_message_to_edit(telegram: Telegram, chat: Chat) -> None:
    query = chat.ask_inline("why?", "assistant")
    offer(telegram, query, {key: value for key, value in ARTICLE.items() if key != "reply_markup"})
    sent = chat.choose(query, "1")
    assert sent.message.id == ""
    with pytest.raises(LookupError):
        chat.choose(query, "2")


def test_an_old_query_cannot_be_answered(telegram: Telegram, chat: Chat) -> None:
    query = chat.ask_inline("why?", "assistant")
    query.at -= 31
    with pytest.raises(ApiError, match="query is too old"):
        offer(telegram, query, ARTICLE)
