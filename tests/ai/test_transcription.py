"""Transcription: every provider gets the whole sound, and its answers and errors mean the same everywhere."""

from __future__ import annotations

import time
from typing import Any

import pytest

from shared.ai import transcription
from shared.ai.call_records import AiCall
from shared.ai.transcription import Sound
from shared.core.errors import AIError, AIOverloaded, AITimeout, AIUnavailable, UserApiKeyError
from tests.ai.conftest import forget_settings
from tools.emulator.ai import Ai, AiBehaviour

NAMES = ("deepseek", "gemini", "openai", "openrouter")
VOICE = Sound(b"OggS" + bytes(range(256)) * 40, "audio/ogg", 4)


@pytest.fixture(autouse=True)
def deepseek(ai: Ai, monkeypatch: pytest.MonkeyPatch) -> None:
    base = transcription.settings().base_url("openai", "").removesuffix("/openai/v1")
    monkeypatch.setenv("DEEPSEEK_BASE_URL", f"{base}/deepseek/v1")
    monkeypatch.setenv("DEEPSEEK_API_KEY", "sk-0123456789abcdefghij")
    forget_settings()


def _transcribe(provider: str, **more: Any) -> tuple[str, list[AiCall]]:
    calls: list[AiCall] = []
    more.setdefault("deadline", time.monotonic() + 20)
    words = transcription.transcribe(VOICE, provider=provider, record=calls.append, **more)
    return words, calls


def test_the_providers_are_those_with_a_fake_server() -> None:
    assert transcription.names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_all_of_the_sound_arrives_and_its_cost_is_recorded(ai: Ai, name: str) -> None:
    words, [call] = _transcribe(name)
    [recording] = ai.recordings
    assert recording.content == VOICE.data
    assert recording.format == "ogg"
    assert recording.provider == name
    assert words == recording.heard()
    assert (call["provider"], call["kind"], call["status"]) == (name, "transcription", "ok")
    assert float(call["cost"] or 0) > 0
    assert call["request_bytes"] > len(VOICE.data)
    assert not call["is_user_api_key"]


@pytest.mark.parametrize("name", NAMES)
def test_silence_is_an_empty_text(ai: Ai, name: str) -> None:
    ai.next(AiBehaviour(empty=True))
    assert _transcribe(name)[0] == ""


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("status", "expected"), [(401, AIUnavailable), (404, AIUnavailable), (429, AIOverloaded), (400, AIError)]
)
def test_an_error_has_the_kind_that_it_has_in_a_chat(
    ai: Ai, name: str, status: int, expected: type[AIError]
) -> None:
    ai.next(AiBehaviour(status=status))
    with pytest.raises(expected):
        _transcribe(name)
    assert len(ai.recordings) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_server_error_is_retried_once(ai: Ai, name: str, no_pause: None) -> None:
    ai.next(AiBehaviour(status=500))
    assert _transcribe(name)[1][0]["cost"] is None
    ai.next(AiBehaviour(status=500), AiBehaviour(status=500))
    with pytest.raises(AIError):
        _transcribe(name)
    assert len(ai.recordings) == 4


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("behaviour", [AiBehaviour(malformed=True), AiBehaviour(cut_after=3)])
def test_a_broken_answer_is_paid_for_and_not_requested_again(
    ai: Ai, name: str, behaviour: AiBehaviour
) -> None:
    ai.next(behaviour)
    calls: list[AiCall] = []
    with pytest.raises(AIError):
        transcription.transcribe(VOICE, provider=name, deadline=time.monotonic() + 20, record=calls.append)
    assert [call["cost"] is not None for call in calls] == [True]


def test_the_deadline_holds(ai: Ai) -> None:
    ai.next(AiBehaviour(delay=5))
    with pytest.raises(AITimeout):
        _transcribe("openai", deadline=time.monotonic() + 0.3)


@pytest.mark.parametrize("name", NAMES)
def test_a_users_own_key_is_sent_and_recorded(ai: Ai, name: str) -> None:
    assert _transcribe(name, api_key="sk-own-0123456789")[1][0]["is_user_api_key"]
    ai.refuse("sk-own-0123456789")
    with pytest.raises(UserApiKeyError):
        _transcribe(name, api_key="sk-own-0123456789")
    with pytest.raises(UserApiKeyError):
        _transcribe(name, api_key="line\nbreak")


def test_the_model_of_the_settings_is_used_for_our_key_alone(ai: Ai, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRANSCRIPTION_MODEL", "whisper-1")
    forget_settings()
    _transcribe("openai")
    _transcribe("openai", api_key="sk-own-0123456789")
    assert [one.model for one in ai.recordings] == ["whisper-1", "gpt-transcribe"]


@pytest.mark.parametrize(
    ("chosen", "chat", "expected"),
    [("", "openai", "openai"), ("", "anthropic", None), ("gemini", "anthropic", "gemini")],
)
def test_the_chat_provider_transcribes_unless_another_is_chosen(
    monkeypatch: pytest.MonkeyPatch, chosen: str, chat: str, expected: str | None
) -> None:
    monkeypatch.setenv("TRANSCRIPTION_PROVIDER", chosen)
    monkeypatch.setenv("CHAT_PROVIDER", chat)
    forget_settings()
    assert transcription.configured_provider() == expected
