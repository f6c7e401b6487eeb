"""Voice messages: their words are shown and answered like a typed message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.stories.test_keys import a_key, add
from tests.stories.test_spin import begin, turns_of
from tests.support import message_update, says, started_user
from tests.telegram.test_updates import requests_of
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram.attachments import Attachment

Sql = Callable[..., list[dict[str, Any]]]


def _calls(sql: Sql, user_id: int) -> list[tuple[str, str, bool]]:
    rows = sql(
        "select a.kind, a.provider, a.cost > 0 as is_paid, a.is_user_api_key from api_usage a "
        "join users u on u.id = a.user_id where u.telegram_id = %s order by a.id",
        user_id,
    )
    return [(row["kind"], row["provider"], row["is_user_api_key"]) for row in rows if row["is_paid"]]


@pytest.mark.parametrize("kind", ["voice", "video_note", "audio"])
def test_a_voice_message_is_written_down_and_answered(stack: Stack, sql: Sql, kind: str) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    stack.ai.next(AiBehaviour(text="What is the capital of France?"), AiBehaviour(text="It is **Paris**."))
    chat.attach(kind)
    answer = chat.answer()
    assert answer.text == "🎙 What is the capital of France?\n\nIt is Paris."
    assert [entity["type"] for entity in answer.entities] == ["blockquote", "bold"]
    [recording] = stack.ai.recordings
    assert recording.format == {"voice": "ogg", "video_note": "mp4", "audio": "mp3"}[kind]
    chat.send("And of Spain?")
    chat.answer()
    asked = [message["content"] for message in stack.ai.requests[-1]["messages"][1:]]
    assert asked == ["What is the capital of France?", "It is **Paris**.", "And of Spain?"]
    assert requests_of(sql, anna.id) == 2
    assert _calls(sql, anna.id) == [
        ("transcription", "openai", False),
        ("chat", "openai", False),
        ("chat", "openai", False),
    ]


def test_all_bytes_of_a_voice_message_arrive(stack: Stack) -> None:
    chat = stack.telegram.user("Anna").chat("assistant")
    content = bytes(range(256)) * 700
    chat.attach("voice", Attachment(content, "voice.oga", "audio/ogg"))
    assert f"This voice message has {len(content)} bytes" in chat.answer().text
    assert stack.ai.recordings[-1].content == content


def test_silence_is_not_charged(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    stack.ai.next(AiBehaviour(empty=True))
    chat.voice()
    assert says(chat.answer().text, "voice_silent")
    assert stack.ai.requests == []
    assert requests_of(sql, anna.id) == 0
    assert _calls(sql, anna.id) == [("transcription", "openai", False)]


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_voice_message_longer_than_the_plan_allows_is_refused(
    stack: Stack, sql: Sql, language: str
) -> None:
    anna = stack.telegram.user("Anna", language)
    chat = anna.chat("assistant")
    chat.voice(seconds=301)
    assert says(chat.answer().text, "voice_too_long", language)
    sql("update subscription_limits set voice_seconds = 45 where plan = 'FREE'")
    chat.voice(seconds=46)
    assert "45" in chat.answer().text
    sql("update subscription_limits set voice_seconds = 0 where plan = 'FREE'")
    chat.voice(seconds=1)
    assert says(chat.answer().text, "voice_not_included", language)
    assert stack.ai.recordings == []
    assert requests_of(sql, anna.id) == 0


def test_a_failure_of_the_transcription_costs_no_request(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    stack.ai.next(AiBehaviour(status=400))
    chat.voice()
    assert says(chat.answer().text, "voice_failed")
    assert requests_of(sql, anna.id) == 0


def test_the_transcript_is_shown_although_the_ai_fails(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    stack.ai.next(AiBehaviour(text="Hello there"), AiBehaviour(status=400))
    chat.voice()
    text = chat.answer().text
    assert text.startswith("🎙 Hello there\n\n")
    assert says(text, "ai_failed")
    assert says(text, "request_not_counted")
    assert requests_of(sql, anna.id) == 0


def test_without_requests_nothing_is_transcribed(stack: Stack, sql: Sql) -> None:
    sql("update subscription_limits set daily_requests = 0 where plan = 'FREE'")
    chat = stack.telegram.user("Anna").chat("assistant")
    chat.voice()
    assert says(chat.answer().text, "limit_reached")
    assert stack.ai.recordings == []


def test_a_secret_that_is_read_out_is_not_used(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    stack.ai.next(AiBehaviour(text="my key is sk-proj-" + "a1B2" * 12))
    chat.voice()
    assert says(chat.answer().text, "voice_secret")
    assert stack.ai.requests == []
    assert (
        sql("select from messages m join users u on u.id = m.user_id where u.telegram_id = %s", anna.id) == []
    )


@pytest.mark.parametrize(
    "voice",
    [
        {"file_id": "gone", "file_unique_id": "x", "duration": 3},
        {"file_id": "gone", "file_unique_id": "x", "duration": "long", "mime_type": 7, "file_size": -1},
        {"file_id": 5, "file_unique_id": "x", "duration": None},
        {"file_id": "gone", "file_unique_id": "x", "duration": 3, "file_size": 30_000_000},
    ],
)
def test_a_file_that_cannot_be_had_is_explained(stack: Stack, sql: Sql, voice: dict[str, Any]) -> None:
    anna = started_user(stack.telegram)
    update = message_update(anna, "x", voice=voice)
    del update["message"]["text"]
    answer = stack.telegram.deliver(update).json()["text"]
    assert says(answer, "file_gone") or says(answer, "file_too_large")
    assert requests_of(sql, anna.id) == 0


def test_a_forwarded_voice_message_is_no_question(stack: Stack) -> None:
    anna = started_user(stack.telegram)
    origin = {"type": "hidden_user", "date": 1, "sender_user_name": "x"}
    update = message_update(
        anna, "x", voice={"file_id": "a", "file_unique_id": "x", "duration": 1}, forward_origin=origin
    )
    del update["message"]["text"]
    assert says(stack.telegram.deliver(update).json()["text"], "cannot_forward")


def _spoken_training(stack: Stack, sql: Sql) -> Any:
    chat = begin(stack, sql)
    stack.ai.clear()
    return chat


def test_the_trainer_takes_a_voice_message_as_a_question(stack: Stack, sql: Sql) -> None:
    chat = _spoken_training(stack, sql)
    stack.ai.always(AiBehaviour(status=500))
    stack.ai.next(AiBehaviour(text="How many shifts do you run?"))
    chat.voice()
    answer = chat.answer()
    assert answer.text.startswith("🎙 How many shifts do you run?\n\n")
    assert [(turn["question"], turn["type"]) for turn in turns_of(sql, chat)] == [
        ("How many shifts do you run?", "situation")
    ]


def test_a_voice_message_that_is_no_move_frees_the_turn(stack: Stack, sql: Sql) -> None:
    chat = _spoken_training(stack, sql)
    stack.ai.always(AiBehaviour(status=500))
    stack.ai.next(AiBehaviour(empty=True), AiBehaviour(text="word " * 300))
    chat.voice()
    assert says(chat.answer().text, "voice_silent")
    chat.voice()
    assert says(chat.answer().text, "trainer_too_long")
    chat.send("How many shifts do you run?")
    assert "shifts" in chat.answer().text
    assert len(turns_of(sql, chat)) == 1


def test_without_a_training_nothing_is_transcribed(stack: Stack, sql: Sql) -> None:
    chat = stack.telegram.user("Anna").chat("spin")
    chat.voice()
    chat.answer()
    assert stack.ai.recordings == []


@pytest.mark.parametrize(
    ("name", "provider", "is_own", "requests"),
    [("OpenAI", "openai", True, 0), ("Google Gemini", "gemini", True, 0), ("Anthropic", "openai", False, 1)],
)
def test_a_users_own_key_transcribes_where_its_provider_can(
    stack: Stack, sql: Sql, name: str, provider: str, is_own: bool, requests: int
) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    add(chat, name, a_key(name))
    chat.voice()
    assert chat.answer(20).text.startswith("🎙 ")
    assert [one.provider for one in stack.ai.recordings] == [provider]
    (kind, _, was_own), chat_call = _calls(sql, anna.id)
    assert (kind, was_own) == ("transcription", is_own)
    assert chat_call[2], "the answer is always on the user's own key"
    assert requests_of(sql, anna.id) == requests


@pytest.mark.parametrize(("language", "heard", "answered"), [
    ("en", "What is a tide", "Good question"), ("ru", "Что такое прилив", "Хороший вопрос"),
])  # fmt: skip
def test_the_sample_of_a_voice_message_speaks_the_users_language(
    stack: Stack, language: str, heard: str, answered: str
) -> None:
    chat = stack.telegram.user("Anna", language).chat("assistant")
    chat.attach("voice")
    text = chat.answer().text
    assert text.startswith(f"🎙 {heard}")
    assert answered in text
