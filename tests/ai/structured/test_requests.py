"""What each provider is sent for a structured answer, and its answer at the wire."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.ai import native, providers
from shared.ai.answer_schema import schema_of
from shared.core.errors import AIError, AIOverloaded, AIRefused, AITimeout, AIUnavailable
from tests.ai.asking import MESSAGES, Lines
from tests.ai.labels import GOOD, JSON, SIMPLEST, Labels
from tests.ai.raw_server import RawServer, plain
from tests.ai.structured.conftest import AskLabels
from tools.emulator.ai import Ai, AiBehaviour

KEYS = providers.names()
SCHEMA = schema_of(Labels).schema


def test_an_own_interface_belongs_to_a_provider() -> None:
    assert set(native.names()) == {"anthropic", "gemini"} <= set(KEYS)


@pytest.mark.parametrize("key", KEYS)
class TestEveryProvider:
    def test_answers_with_an_object(self, key: str, ai: Ai, ask_labels: AskLabels) -> None:
        assert ask_labels(provider=key) == SIMPLEST
        ai.next(AiBehaviour(text=JSON))
        assert ask_labels(provider=key) == GOOD
        assert len(ai.requests) == 2

    def test_a_registered_answerer_sees_the_messages(self, key: str, ai: Ai, ask_labels: AskLabels) -> None:
        seen: list[Any] = []

        def answer(messages: list[dict[str, Any]], schema: dict[str, Any]) -> dict[str, Any]:
            seen.append((messages, schema))
            return GOOD.model_dump(mode="json")

        ai.answer_with("Labels", answer)
        assert ask_labels(provider=key) == GOOD
        assert seen == [(MESSAGES, SCHEMA)]

    def test_thoughts_are_no_answer(self, key: str, ai: Ai, ask_labels: AskLabels) -> None:
        ai.next(AiBehaviour(text=JSON, reasoning='{"kind": "draft"}'))
        assert ask_labels(provider=key) == GOOD
        ai.next(AiBehaviour(empty=True, reasoning=JSON, finish_reason="length"))
        with pytest.raises(AIError, match="empty"):
            ask_labels(provider=key)

    def test_a_refusal_is_an_error_of_its_own(self, key: str, ai: Ai, ask_labels: AskLabels) -> None:
        ai.next(AiBehaviour(refusal="I can't help with that."))
        with pytest.raises(AIRefused):
            ask_labels(provider=key)

    @pytest.mark.parametrize(
        ("behaviour", "reason"),
        [
            (AiBehaviour(text=JSON[:60], finish_reason="length"), "incomplete max_tokens"),
            (AiBehaviour(text=JSON[:60]), "incomplete invalid_answer"),
            (AiBehaviour(text=JSON.replace("statement", "remark")), "incomplete invalid_answer"),
            (AiBehaviour(text="I would say it is a question."), "incomplete invalid_answer"),
            (AiBehaviour(text=JSON, cut_after=40), "incomplete"),
            (AiBehaviour(malformed=True), "incomplete"),
            (AiBehaviour(empty=True), "empty"),
        ],
    )
    def test_a_broken_answer_is_not_requested_again(
        self, key: str, ai: Ai, ask_labels: AskLabels, behaviour: AiBehaviour, reason: str
    ) -> None:
        calls: list[Any] = []
        ai.next(behaviour)
        with pytest.raises(AIError, match=reason):
            ask_labels(provider=key, record=calls.append)
        assert len(ai.requests) == 1
        (call,) = calls
        assert call["status"] == reason.partition(" ")[0]
        assert float(call["cost"]) > 0, "it was paid for"

    def test_errors_mean_the_same_as_in_a_chat(
        self, key: str, ai: Ai, ask_labels: AskLabels, no_pause: None
    ) -> None:
        ai.next(AiBehaviour(status=401))
        with pytest.raises(AIUnavailable):
            ask_labels(provider=key)
        ai.next(AiBehaviour(status=429, retry_after=20))
        with pytest.raises(AIOverloaded):
            ask_labels(provider=key)
        ai.next(AiBehaviour(status=503))
        assert ask_labels(provider=key) == SIMPLEST, "after one retry, for nothing was spent"
        assert len(ai.requests) == 4

    def test_the_deadline_is_kept(self, key: str, ai: Ai, ask_labels: AskLabels) -> None:
        ai.next(AiBehaviour(hang=True))
        with pytest.raises(AITimeout):
            ask_labels(provider=key, seconds=0.4)

    def test_calls_are_recorded_with_kind_and_cost(self, key: str, ai: Ai, ask_labels: AskLabels) -> None:
        calls: list[Any] = []
        ask_labels(provider=key, record=calls.append, user_reference="f00d")
        (call,) = calls
        assert (call["provider"], call["kind"], call["status"]) == (key, "classification", "ok")
        assert min(call["tokens_in"], call["tokens_out"]) > 0
        assert float(call["cost"]) > 0


def test_openai_gets_a_strict_schema_and_a_limit(ai: Ai, ask_labels: AskLabels) -> None:
    ask_labels(max_tokens=300, user_reference="f00d")
    (body,) = ai.requests
    wanted = {"name": "Labels", "strict": True, "schema": SCHEMA}
    assert body == {
        "model": "some-model",
        "messages": MESSAGES,
        "max_completion_tokens": 300,
        "temperature": 0.0,
        "safety_identifier": "f00d",
        "prompt_cache_key": "f00d",
        "response_format": {"type": "json_schema", "json_schema": wanted},
    }


def test_openrouter_gets_only_hosts_that_enforce_the_schema(ai: Ai, ask_labels: AskLabels) -> None:
    ask_labels(provider="openrouter")
    (body,) = ai.requests
    assert body["response_format"]["json_schema"]["schema"] == SCHEMA
    assert body["provider"] == {"require_parameters": True}
    assert body["max_tokens"] == 1_000
    assert "max_completion_tokens" not in body


def test_claude_is_asked_through_the_messages_api(raw: RawServer, ask_labels: AskLabels) -> None:
    message = {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "thinking", "thinking": "Hm", "signature": "x"}, {"type": "text", "text": JSON}],
        "stop_reason": "end_turn",
        "usage": {
            "input_tokens": 18,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 100,
            "output_tokens": 75,
        },
    }
    raw.next(plain(message))
    calls: list[Any] = []

    assert ask_labels(provider="anthropic", user_reference="f00d", record=calls.append) == GOOD

    (request,) = raw.requests
    assert request.path == "/v1/messages"
    assert request.headers["x-api-key"].startswith("sk-ant-")
    assert request.headers["anthropic-version"] == "2023-06-01"
    assert request.body == {
        "model": "some-model",
        "max_tokens": 1_000,
        "system": "Be brief.",
        "messages": MESSAGES[1:],
        "temperature": 0.0,
        "metadata": {"user_id": "f00d"},
        "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
    }
    assert (calls[0]["tokens_in"], calls[0]["tokens_out"]) == (118, 75)


def test_gemini_is_asked_through_its_own_interface(
    raw: RawServer, ask_labels: AskLabels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_BASE_URL", f"{raw.url}/v1beta/openai")
    content = {
        "role": "model",
        "parts": [{"text": "Hm", "thought": True}, {"text": JSON[:9]}, {"text": JSON[9:]}],
    }
    usage = {"promptTokenCount": 18, "candidatesTokenCount": 60, "thoughtsTokenCount": 15}
    raw.next(plain({"candidates": [{"content": content, "finishReason": "STOP"}], "usageMetadata": usage}))
    calls: list[Any] = []
    messages = [*MESSAGES, {"role": "assistant", "content": "Hi"}, {"role": "user", "content": "Well?"}]

    assert ask_labels(provider="gemini", effort="low", messages=messages, record=calls.append) == GOOD

    (request,) = raw.requests
    assert request.path == "/v1beta/models/some-model:generateContent"
    assert request.headers["x-goog-api-key"].startswith("AQ.")
    assert "authorization" not in request.headers
    assert request.body == {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "Hello"}]},
            {"role": "model", "parts": [{"text": "Hi"}]},
            {"role": "user", "parts": [{"text": "Well?"}]},
        ],
        "generationConfig": {
            "maxOutputTokens": 1_000,
            "temperature": 0.0,
            "thinkingConfig": {"thinkingLevel": "low"},
            "responseMimeType": "application/json",
            "responseJsonSchema": SCHEMA,
        },
    }
    assert (calls[0]["tokens_in"], calls[0]["tokens_out"]) == (18, 75)


def test_a_gateway_without_geminis_own_interface_gets_the_compatible_request(
    raw: RawServer, ask_labels: AskLabels
) -> None:
    raw.next(plain({"choices": [{"message": {"content": JSON}, "finish_reason": "stop"}]}))
    assert ask_labels(provider="gemini") == GOOD
    assert raw.requests[0].path == "/v1/chat/completions"
    assert raw.requests[0].body["response_format"]["type"] == "json_schema"


@pytest.mark.parametrize("reason", ["SAFETY", "RECITATION", "PROHIBITED_CONTENT"])
def test_gemini_that_stops_for_safety_refuses(
    raw: RawServer, ask_labels: AskLabels, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    monkeypatch.setenv("GEMINI_BASE_URL", f"{raw.url}/v1beta/openai")
    raw.next(plain({"candidates": [{"content": {}, "finishReason": reason}]}))
    with pytest.raises(AIRefused):
        ask_labels(provider="gemini")


def test_a_log_line_has_no_words_of_the_answer(ai: Ai, ask_labels: AskLabels, lines: Lines) -> None:
    ai.next(AiBehaviour(text=JSON.replace("statement", "words of a person")))
    ai.next(AiBehaviour(text=json.dumps(GOOD.model_dump(mode="json") | {"words of a person": 1})))
    for _ in range(2):
        with pytest.raises(AIError):
            ask_labels()
    errors = lines("ai_error")
    assert [line["error"] for line in errors] == [
        "kind: Input should be 'question' or 'statement'",
        "a key that the schema does not have",
    ]
    assert "words of a person" not in json.dumps(errors)
