"""A rejected schema costs nothing: the request goes out in a weaker form, which is remembered."""

from __future__ import annotations

from typing import Any

import pytest

from shared.core.errors import AIError
from tests.ai.asking import MESSAGES, Ask
from tests.ai.labels import GOOD, JSON, SIMPLEST
from tests.ai.raw_server import RawServer, Script, good, plain
from tests.ai.structured.conftest import AskLabels
from tools.emulator.ai import Ai, AiBehaviour


def rejected(message: str, http: int = 400, **more: Any) -> AiBehaviour:
    return AiBehaviour(status=http, error={"message": message} | more)


def error(message: str, status: str = "400 Bad Request", **more: Any) -> Script:
    return plain({"error": {"message": message} | more}, status)


def answer(text: str = JSON) -> Script:
    return plain({"choices": [{"message": {"content": text}, "finish_reason": "stop"}], "usage": {}})


def forms(requests: list[dict[str, Any]]) -> list[str]:
    return [request.get("response_format", {}).get("type", "prompt") for request in requests]


# LM Studio, DeepSeek (OmniRoute 9992), OpenAI, Groq
NO_SCHEMA = (
    "'response_format.type' must be 'json_object' or 'text'",
    "This response_format type is unavailable now",
    "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
    "Invalid schema for response_format 'Labels': In context=(), 'anyOf' is not permitted.",
)


@pytest.mark.parametrize("message", NO_SCHEMA)
def test_without_schemas_the_prompt_has_it_and_json_is_enforced(
    ai: Ai, ask_labels: AskLabels, message: str
) -> None:
    ai.next(rejected(message, param="response_format"))
    assert ask_labels() == SIMPLEST
    assert forms(ai.requests) == ["json_schema", "json_object"]
    system = ai.requests[1]["messages"][0]["content"]
    assert system.startswith("Be brief.\n\nAnswer with one JSON object")
    assert '"enum":["question","statement"]' in system
    assert MESSAGES[0]["content"] == "Be brief.", "the caller's messages are not changed"

    assert ask_labels() == SIMPLEST
    assert forms(ai.requests[2:]) == ["json_object"], "the next user does not wait for a retry"
    ask_labels(model="another")
    assert forms(ai.requests[3:]) == ["json_schema"]


def test_without_json_mode_the_prompt_alone_asks(ai: Ai, ask_labels: AskLabels) -> None:
    ai.next(*[rejected("Unsupported parameter: 'response_format'")] * 2)
    assert ask_labels() == SIMPLEST, "in a code fence"
    assert forms(ai.requests) == ["json_schema", "json_object", "prompt"]
    ask_labels()
    assert forms(ai.requests[3:]) == ["prompt"]


def test_a_rejected_prompt_is_the_end(ai: Ai, ask_labels: AskLabels) -> None:
    calls: list[Any] = []
    ai.next(*[rejected("No")] * 3)
    with pytest.raises(AIError, match="invalid_request"):
        ask_labels(record=calls.append)
    assert [(call["status"], call["cost"]) for call in calls] == [("invalid_request", None)] * 3
    ask_labels()
    assert forms(ai.requests[3:]) == ["json_schema"], "nothing was learned"


def test_a_weaker_form_that_fails_is_not_remembered(ai: Ai, ask_labels: AskLabels) -> None:
    ai.next(rejected(NO_SCHEMA[0]), AiBehaviour(text="no JSON"))
    with pytest.raises(AIError, match="invalid_answer"):
        ask_labels()
    ask_labels()
    assert forms(ai.requests) == ["json_schema", "json_object", "json_schema"]


def test_claude_without_schemas_is_asked_in_the_prompt(ai: Ai, ask_labels: AskLabels) -> None:
    ai.next(rejected("'claude-3-haiku' does not support output format.", type="invalid_request_error"))
    assert ask_labels(provider="anthropic") == SIMPLEST
    first, second = ai.requests
    assert "output_config" in first
    assert "output_config" not in second
    assert "valid against this JSON schema" in second["system"]


# ghidra-mcp 440: newer models say only that the request is invalid.
@pytest.mark.parametrize(
    "message", ["Request contains an invalid argument.", "has too many states for serving"]
)
def test_gemini_that_finds_the_schema_too_complex_still_writes_json(
    ai: Ai, ask_labels: AskLabels, message: str
) -> None:
    ai.next(rejected(message, code=400, status="INVALID_ARGUMENT"))
    assert ask_labels(provider="gemini") == SIMPLEST
    config = [request["generationConfig"] for request in ai.requests]
    assert ["responseJsonSchema" in one for one in config] == [True, False]
    assert [one["responseMimeType"] for one in config] == ["application/json"] * 2


def test_openrouter_without_a_host_for_all_parameters(ai: Ai, ask_labels: AskLabels, ask: Ask) -> None:
    nowhere = rejected("No endpoints found that can handle the requested parameters.", 404, code=404)
    ai.next(nowhere, nowhere, nowhere)
    assert ask_labels(provider="openrouter", effort="low") == SIMPLEST
    assert ["temperature" in request for request in ai.requests] == [True, False, False, False]
    assert forms(ai.requests) == ["json_schema", "json_schema", "json_object", "prompt"]
    assert "provider" not in ai.requests[3]

    ask(provider="openrouter", model="some-model", temperature=0.2)
    assert ai.requests[4]["temperature"] == 0.2, "a chat still has it"


def test_rejected_parameters_are_left_out_one_after_the_other(raw: RawServer, ask_labels: AskLabels) -> None:
    raw.next(
        error("Unsupported value: 'temperature' does not support 0 with this model."),
        error("Unsupported parameter: 'reasoning_effort'"),
        error("'response_format' of type 'json_schema' is not supported"),
        answer(),
        answer(),
    )
    assert ask_labels(effort="minimal") == GOOD
    last = raw.requests[3].body
    assert not {"temperature", "reasoning_effort"} & set(last)
    assert last["response_format"] == {"type": "json_object"}

    assert ask_labels(effort="minimal") == GOOD
    assert raw.requests[4].body == last


def test_a_level_of_thinking_that_gemini_does_not_know_is_left_out(ai: Ai, ask_labels: AskLabels) -> None:
    ai.next(rejected("Thinking level is not supported for this model.", code=400, status="INVALID_ARGUMENT"))
    assert ask_labels(provider="gemini", effort="low") == SIMPLEST
    config = [request["generationConfig"] for request in ai.requests]
    assert ["thinkingConfig" in one for one in config] == [True, False]
    assert "responseJsonSchema" in config[1]


def test_a_rejection_just_before_the_deadline_ends_it(ai: Ai, ask_labels: AskLabels) -> None:
    ai.next(rejected(NO_SCHEMA[0]))
    with pytest.raises(AIError):
        ask_labels(seconds=1.5)
    assert len(ai.requests) == 1


def test_a_server_that_streams_all_the_same_is_read(raw: RawServer, ask_labels: AskLabels) -> None:
    raw.next(good(JSON[:30], JSON[30:]))
    assert ask_labels() == GOOD
