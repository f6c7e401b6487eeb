"""Every attempt is recorded with its status, cost, duration and bytes."""

from __future__ import annotations

from typing import Any

import pytest

from shared.core.errors import AIError
from tests.ai.asking import KEY, Ask
from tools.emulator.ai import Ai, AiBehaviour


def recorded(ask: Ask, **arguments: Any) -> list[Any]:
    calls: list[Any] = []
    try:
        answer = ask(record=calls.append, **arguments)
    except AIError:
        return calls
    assert answer.request_bytes == sum(call["request_bytes"] for call in calls)
    assert answer.response_bytes == sum(call["response_bytes"] for call in calls)
    return calls


def test_an_answer_is_one_call(ai: Ai, ask: Ask) -> None:
    ai.next(AiBehaviour(text="Paris is the capital of France.", chunk_delay=0.01))
    (call,) = recorded(ask)
    assert 10 <= call.pop("ms") < 8000
    assert min(call.pop("request_bytes"), call.pop("response_bytes")) > 100
    assert call == {
        "provider": "openai",
        "model": "gpt-5-mini",
        "kind": "chat",
        "status": "ok",
        "tokens_in": 3,
        "tokens_out": 7,
        "tokens_cached": 0,
        "cost": "0.000225",  # of a model whose prices were not read
        "is_estimate": True,
        "is_user_api_key": False,
    }


def test_the_price_is_recorded_exactly(ai: Ai, ask: Ask) -> None:
    ai.next(AiBehaviour(text="Hello"))
    (call,) = recorded(ask, provider="openrouter")
    assert isinstance(call["cost"], str)
    assert float(call["cost"]) > 0
    assert not call["is_estimate"]


def test_a_retry_is_a_second_call(ai: Ai, ask: Ask, no_pause: None) -> None:
    ai.next(AiBehaviour(status=503), AiBehaviour(text="Hello"))
    first, second = recorded(ask)
    assert (first["status"], second["status"]) == ("server_error", "ok")
    assert first["request_bytes"] == second["request_bytes"]
    assert first["tokens_in"] is None


@pytest.mark.parametrize(
    ("behaviour", "statuses"),
    [
        (AiBehaviour(status=401), ["invalid_key"]),
        (AiBehaviour(status=403), ["content_refused"]),
        (AiBehaviour(empty=True), ["empty"]),
        (AiBehaviour(text="one two three four", chunk_delay=0.7), ["part"]),
        (AiBehaviour(hang=True), ["deadline_exceeded"]),
    ],
)
def test_the_status_of_a_call(ai: Ai, ask: Ask, behaviour: AiBehaviour, statuses: list[str]) -> None:
    ai.next(behaviour)
    assert [call["status"] for call in recorded(ask, seconds=1.0)] == statuses


def test_a_request_that_may_have_been_processed_counts_as_paid(ai: Ai, ask: Ask) -> None:
    ai.next(AiBehaviour(status=0))
    (call,) = recorded(ask)
    assert (call["status"], call["tokens_out"]) == ("incomplete", None)
    assert call["cost"] is not None


def test_a_request_that_was_never_sent_costs_nothing(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, no_pause: None
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    calls = recorded(ask)
    assert [(call["status"], call["cost"]) for call in calls] == [("unreachable", None)] * 2


def test_a_user_api_key_is_marked_and_never_in_the_record(ai: Ai, ask: Ask) -> None:
    own = KEY[::-1]
    ai.next(AiBehaviour(text="Hello"))
    (call,) = recorded(ask, api_key=own)
    assert call["is_user_api_key"]
    assert own not in str(call)
