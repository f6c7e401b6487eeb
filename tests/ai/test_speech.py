"""Speech: the words reach every provider, and only a sound is an answer."""

from __future__ import annotations

import time

import pytest

from shared.ai import speech
from shared.ai.call_records import AiCall
from shared.core.errors import AIError, AIOverloaded, AITimeout, AIUnavailable, ConfigError
from tools.emulator.ai import Ai, AiBehaviour

NAMES = ("openai", "openrouter")


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
