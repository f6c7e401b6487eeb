"""The catalogue chooses the models that transcribe and speak; a setting comes before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support import says
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram.users import Chat

Sql = Callable[..., list[dict[str, Any]]]
WHISPER = "openai/whisper-large-v3-turbo"


@pytest.fixture
def anna(stack: Stack) -> Chat:
    return stack.telegram.user("Anna", "en").chat("assistant")


def _transcribed_by(stack: Stack, chat: Chat, **settings: str) -> tuple[str, str]:
    """Send a voice message to functions that have just started, and return provider and model."""
    with stack.settings("telegram", LOG_LEVEL="INFO", **settings):
        chat.voice()
        chat.answer()
    return stack.ai.recordings[-1].provider, stack.ai.recordings[-1].model


def test_the_first_model_of_the_mode_transcribes(stack: Stack, sql: Sql, anna: Chat) -> None:
    assert _transcribed_by(stack, anna) == ("openai", "gpt-transcribe")
    sql("update ai_models set enabled = false where model = 'gpt-transcribe'")
    assert _transcribed_by(stack, anna) == ("openrouter", WHISPER)
    sql("update ai_models set shutdown_on = '2026-01-01' where model = %s", WHISPER)
    assert _transcribed_by(stack, anna) == ("gemini", "gemini-3.5-transcribe")


def test_an_explicit_setting_comes_before_the_catalogue(stack: Stack, sql: Sql, anna: Chat) -> None:
    sql(
        "update ai_modes set provider = 'gemini', model = 'gemini-3.5-transcribe', fallback_provider = null, "
        "fallback_model = null where kind = 'transcription'"
    )
    assert _transcribed_by(stack, anna) == ("gemini", "gemini-3.5-transcribe")
    chosen = _transcribed_by(stack, anna, TRANSCRIPTION_PROVIDER="openrouter")
    assert chosen == ("openrouter", WHISPER)
    chosen = _transcribed_by(stack, anna, TRANSCRIPTION_PROVIDER="openai", TRANSCRIPTION_MODEL="whisper-1")
    assert chosen == ("openai", "whisper-1")


def test_a_minute_costs_what_the_catalogue_says(stack: Stack, sql: Sql, anna: Chat) -> None:
    sql("update ai_model_prices set price_usd = 0.6 where model = 'gpt-transcribe'")
    with stack.settings("telegram", LOG_LEVEL="INFO"):
        anna.voice(seconds=30)
        anna.answer()
    (call,) = sql("select cost from api_usage where kind = 'transcription'")
    assert float(call["cost"]) == 0.3


@pytest.mark.parametrize("provider", ["openrouter", "openai"])
def test_answers_are_read_aloud_by_a_model_that_lives_on(
    stack: Stack, sql: Sql, anna: Chat, provider: str
) -> None:
    with stack.settings("telegram", SPEECH_PROVIDER=provider):
        anna.send("/voice")
        assert says(anna.answer().text, "speech_on")
        stack.ai.next(AiBehaviour(text="It is Paris."))
        anna.send("The capital of France?").wait()
        assert "voice" in anna.answer().data
    (call,) = sql("select provider, model, cost > 0 as is_paid from api_usage where kind = 'speech'")
    assert call == {"provider": "openrouter", "model": "google/gemini-3.8-flash-tts", "is_paid": True}


@pytest.mark.parametrize("language", ["en", "ru"])
def test_premium_has_longer_voice_messages_and_says_so(stack: Stack, sql: Sql, language: str) -> None:
    boris = stack.telegram.user("Boris", language)
    chat = boris.chat("assistant")
    chat.send("/start")
    chat.answer()
    chat.voice(seconds=301)
    assert says(chat.answer().text, "voice_too_long", language)
    sql("update users set vip_level = 1 where telegram_id = %s", boris.id)
    chat.voice(seconds=600)
    assert chat.answer().text.startswith("🎙 ")
    assert len(stack.ai.recordings) == 1
    chat.voice(seconds=601)
    assert says(chat.answer().text, "voice_too_long", language)
    (product,) = sql("select texts from products where key = 'premium_month'")
    assert "200" in product["texts"][language]["description"]
