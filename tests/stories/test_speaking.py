"""Answers as voice messages, where the user chose them with /voice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support import says
from tests.telegram.test_updates import requests_of
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack

Sql = Callable[..., list[dict[str, Any]]]


def _speaking_chat(stack: Stack, language: str = "en") -> Any:
    chat = stack.telegram.user("Anna", language).chat("assistant")
    chat.send("/voice")
    assert says(chat.answer().text, "speech_on", language)
    return chat


@pytest.mark.parametrize("language", ["en", "ru"])
def test_an_answer_is_a_voice_message_with_its_text(stack: Stack, sql: Sql, language: str) -> None:
    chat = _speaking_chat(stack, language)
    stack.ai.next(AiBehaviour(text="It is **Paris**."))
    chat.send("The capital of France?").wait()
    answer = chat.answer()
    assert "voice" in answer.data
    assert answer.text == "It is Paris."
    assert [entity["type"] for entity in answer.entities] == ["bold"]
    assert stack.ai.spoken[-1]["input"] == "It is Paris."
    file = stack.telegram.state.files.by_id(answer.data["voice"]["file_id"])
    assert file is not None
    assert file.content is not None
    assert b"It is Paris." in file.content
    assert requests_of(sql, chat.id) == 1
    kinds = sql("select kind, cost > 0 as is_paid from api_usage order by id")
    assert [(row["kind"], row["is_paid"]) for row in kinds] == [("chat", True), ("speech", True)]
    chat.send("/voice")
    assert says(chat.answer().text, "speech_off", language)
    chat.send("And now?")
    assert "voice" not in chat.answer().data
    assert len(stack.ai.spoken) == 1


def test_a_user_who_forbids_voice_messages_gets_the_text(stack: Stack) -> None:
    chat = _speaking_chat(stack)
    stack.ai.next(AiBehaviour(text="It is Paris."))
    stack.telegram.fail("sendVoice", 400, description="Bad Request: VOICE_MESSAGES_FORBIDDEN")
    chat.send("The capital of France?")
    answer = chat.answer()
    assert "voice" not in answer.data
    assert answer.text == "It is Paris."


@pytest.mark.parametrize("behaviour", [AiBehaviour(status=400), AiBehaviour(empty=True)])
def test_without_a_sound_the_text_is_sent(stack: Stack, sql: Sql, behaviour: AiBehaviour) -> None:
    chat = _speaking_chat(stack)
    stack.ai.next(AiBehaviour(text="It is Paris."), behaviour)
    chat.send("The capital of France?")
    answer = chat.answer()
    assert "voice" not in answer.data
    assert answer.text == "It is Paris."
    assert requests_of(sql, chat.id) == 1


def test_a_long_answer_is_read_aloud_and_sent_as_text_too(stack: Stack) -> None:
    chat = _speaking_chat(stack)
    words = "word " * 400
    stack.ai.next(AiBehaviour(text=words))
    chat.send("Tell me more")
    sound, text = chat.answer(), chat.answer()
    assert "voice" in sound.data
    assert sound.text == ""
    assert text.text == words.strip()


@pytest.mark.parametrize("text", ["```python\nprint(1)\n```", "word " * 1000])
def test_code_and_very_long_answers_are_not_read_aloud(stack: Stack, text: str) -> None:
    chat = _speaking_chat(stack)
    stack.ai.next(AiBehaviour(text=text))
    chat.send("Go")
    assert "voice" not in chat.answer().data
    assert stack.ai.spoken == []
