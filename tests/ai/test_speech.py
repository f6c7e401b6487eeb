"""Speech: the words reach every provider, and only a sound is an answer."""

from __future__ import annotations

import time

import pytest

from shared.ai import audio_catalogue, speech
from shared.ai.audio_catalogue import AudioModel
from shared.ai.call_records import AiCall
from shared.core.errors import AIError, AIOverloaded, AITimeout, AIUnavailable, ConfigError
from tests.ai.conftest import forget_settings
from tools.emulator.ai import Ai, AiBehaviour

NAMES = ("openai", "openrouter")


@pytest.fixture(autouse=True)
def model_of_openai(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give OpenAI a model: it has no default."""
    monkeypatch.setattr(speech.load("openai").__class__, "MODEL", "gpt-4o-mini-tts")


def _speak(provider: str, seconds: float = 20) -> tuple[bytes, list[AiCall]]:
    calls: list[AiCall] = []
    sound = speech.speak(
        "Привет", provider=provider, deadline=time.monotonic() + seconds, record=calls.append
    )
    return sound, calls


def test_the_providers_are_known() -> None:
    assert speech.names() == NAMES
    with pytest.raises(ConfigError):
        speech.load("unknown")


@pytest.mark.parametrize("name", NAMES)
def test_a_text_is_read_aloud_and_its_cost_is_recorded(ai: Ai, name: str) -> None:
    sound, [call] = _speak(name)
    assert "Привет".encode() in sound
    [body] = ai.spoken
    assert (body["model"], body["voice"]) == (speech.load(name).MODEL, speech.load(name).VOICE)
    assert (call["kind"], call["status"]) == ("speech", "ok")
    assert float(call["cost"] or 0) > 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (AiBehaviour(status=401), AIUnavailable),
        (AiBehaviour(status=429), AIOverloaded),
        (AiBehaviour(empty=True), AIError),
        (AiBehaviour(status=0), AIError),
    ],
)
def test_anything_else_is_an_error(
    ai: Ai, name: str, behaviour: AiBehaviour, expected: type[AIError]
) -> None:
    ai.next(behaviour)
    with pytest.raises(expected):
        _speak(name)


def test_the_deadline_holds(ai: Ai) -> None:
    ai.next(AiBehaviour(delay=5))
    with pytest.raises(AITimeout):
        _speak("openai", 0.3)


def test_a_provider_whose_models_have_ended_is_replaced_by_one_with_a_key(
    ai: Ai, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = (
        AudioModel("openai", "gone", is_usable=False),
        AudioModel("openrouter", "google/gemini-3.8-flash-tts"),
    )
    monkeypatch.setattr(audio_catalogue, "catalogue", lambda _kind: rows)
    [call] = _speak("openai")[1]
    assert (call["provider"], call["model"]) == ("openrouter", "google/gemini-3.8-flash-tts")
    assert ai.spoken[-1]["voice"] == speech.load("openrouter").VOICE
    monkeypatch.delenv("OPENROUTER_API_KEY")
    with pytest.raises(ConfigError, match="no model of openai speaks"):
        _speak("openai")
    monkeypatch.setenv("SPEECH_MODEL", "gone")
    forget_settings()
    assert _speak("openai")[1][0]["model"] == "gone"
