"""The fake providers take, reject and answer schemas as the real ones do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import urllib3

from tools.emulator.ai import Ai
from tools.emulator.ai.schemas import example
from tools.emulator.web import HttpServer

Send = Callable[..., tuple[int, Any]]

WORDS = {"type": "string", "enum": ["yes", "no"]}
INNER = {"type": "object", "properties": {"a": WORDS}, "required": ["a"], "additionalProperties": False}
SCHEMA = {
    "title": "Choice",
    "type": "object",
    "properties": {"choice": WORDS, "inner": INNER},
    "required": ["choice", "inner"],
    "additionalProperties": False,
}
VALUE = {"choice": "yes", "inner": {"a": "yes"}}
HEADERS = {
    "Authorization": "Bearer key",
    "x-api-key": "key",
    "anthropic-version": "2023-06-01",
    "x-goog-api-key": "key",
}
JSON_MODE = {"type": "json_object"}
MESSAGES = [{"role": "user", "content": "Answer in JSON"}]
CHATS = {
    "openai": "/openai/v1",
    "openrouter": "/openrouter/api/v1",
    "anthropic": "/anthropic/v1",
    "gemini": "/gemini/v1beta/openai",
    "github": "/github/inference",
}


@pytest.fixture
def ai() -> Ai:
    return Ai()


@pytest.fixture
def send(ai: Ai) -> Iterator[Send]:
    server = HttpServer(ai.handle)
    server.start()

    def send(path: str, body: Any, headers: dict[str, str] = HEADERS) -> tuple[int, Any]:
        response = urllib3.request("POST", server.url + path, json=body, headers=headers, retries=False)
        return response.status, response.json()

    yield send
    ai.stop()
    server.stop()


def changed(**changes: Any) -> dict[str, Any]:
    """Return SCHEMA with its inner object changed; None leaves a key out."""
    inner = {key: value for key, value in (INNER | changes).items() if value is not None}
    return SCHEMA | {"properties": {"choice": WORDS, "inner": inner}}


def chat(schema: Any, name: Any = "Choice", **more: Any) -> dict[str, Any]:
    wanted = {"name": name, "strict": True, "schema": schema}
    format_ = {"type": "json_schema", "json_schema": wanted}
    return {"model": "m", "messages": MESSAGES, "response_format": format_} | more


def claude(schema: Any, **more: Any) -> dict[str, Any]:
    config = {"format": {"type": "json_schema", "schema": schema}}
    return {"model": "m", "max_tokens": 9, "messages": MESSAGES, "output_config": config} | more


def gemini(schema: Any, **more: Any) -> dict[str, Any]:
    config = {"responseMimeType": "application/json", "responseJsonSchema": schema} | more
    return {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}], "generationConfig": config}


GEMINI = "/gemini/v1beta/models/gemini-3.8-flash:generateContent"


@pytest.mark.parametrize("name", ["openai", "github", "gemini"])
def test_a_chat_completion_fits_its_schema(send: Send, name: str) -> None:
    status, answer = send(f"{CHATS[name]}/chat/completions", chat(SCHEMA))
    assert status == 200
    assert json.loads(answer["choices"][0]["message"]["content"]) == VALUE


def test_openrouter_enforces_it_only_when_the_request_insists(send: Send) -> None:
    path = f"{CHATS['openrouter']}/chat/completions"
    _, loose = send(path, chat(SCHEMA))
    assert loose["choices"][0]["message"]["content"].startswith("```json")
    _, strict = send(path, chat(SCHEMA, provider={"require_parameters": True}))
    assert json.loads(strict["choices"][0]["message"]["content"]) == VALUE


def test_anthropic_ignores_it_in_chat_completions(send: Send) -> None:
    status, answer = send(f"{CHATS['anthropic']}/chat/completions", chat(changed(additionalProperties=True)))
    assert status == 200
    assert answer["choices"][0]["message"]["content"].startswith("**Good question!**")


def test_claude_and_gemini_answer_through_their_own_interfaces(send: Send) -> None:
    _, message = send("/anthropic/v1/messages", claude(SCHEMA))
    assert [json.loads(block["text"]) for block in message["content"]] == [VALUE]
    assert message["stop_reason"] == "end_turn"
    _, response = send(GEMINI, gemini(SCHEMA))
    (candidate,) = response["candidates"]
    assert json.loads(candidate["content"]["parts"][0]["text"]) == VALUE
    assert response["usageMetadata"]["promptTokenCount"] > 0


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            chat(changed(additionalProperties=None)),
            "In context=('properties', 'inner'), 'additionalProperties' is required to be supplied and to be",
        ),
        (chat(changed(required=[])), "array including every key in properties. Missing 'a'."),
        (chat(changed(uniqueItems=True)), "'uniqueItems' is not permitted"),
        (chat(WORDS), "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"string\"'."),
        (chat(SCHEMA, "my choice"), "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."),
        (chat(SCHEMA, "c" * 65), "maximum length 64, but got a string with length 65"),
        (
            chat(SCHEMA, messages=[{"role": "user", "content": "Hi"}], response_format=JSON_MODE),
            "'messages' must contain the word 'json' in some form",
        ),
    ],
)
def test_openai_rejects_what_its_strict_mode_does_not_have(send: Send, body: Any, message: str) -> None:
    status, answer = send("/openai/v1/chat/completions", body)
    assert (status, answer["error"]["type"]) == (400, "invalid_request_error")
    assert message in answer["error"]["message"]

    status, answer = send("/openrouter/api/v1/chat/completions", body)
    assert (status, answer["error"]["message"]) == (400, "Provider returned error")
    assert message in json.loads(answer["error"]["metadata"]["raw"])["error"]["message"]


def test_without_strict_openai_takes_any_schema(send: Send) -> None:
    body = chat(changed(additionalProperties=None))
    body["response_format"]["json_schema"]["strict"] = False
    assert send("/openai/v1/chat/completions", body)[0] == 200


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            claude(changed(additionalProperties=None)),
            "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly",
        ),
        (
            claude(changed(additionalProperties=True)),
            "'additionalProperties: True' is not supported. Please set 'additionalProperties' to false",
        ),
        (
            claude(changed(properties={"a": {"type": "integer", "minimum": 1}})),
            "For 'integer' type, property 'minimum' is not supported",
        ),
        (claude(SCHEMA, response_format={}), "response_format: Extra inputs are not permitted"),
        ({"model": "m", "messages": MESSAGES}, "max_tokens: Field required"),
        (claude(SCHEMA, messages=[{"role": "system", "content": "Hi"}]), 'Unexpected role "system"'),
    ],
)
def test_claude_rejects_what_it_does_not_have(send: Send, body: Any, message: str) -> None:
    status, answer = send("/anthropic/v1/messages", body)
    assert (status, answer["type"], answer["error"]["type"]) == (400, "error", "invalid_request_error")
    assert message in answer["error"]["message"]


def deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = WORDS
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (gemini(deep(9)), "too many states for serving"),
        (gemini(SCHEMA, responseMimeType="text/plain"), "requires the response mime type application/json"),
        (gemini(SCHEMA, strict=True), "Unknown name \"strict\" at 'generation_config': Cannot find field."),
        (gemini(SCHEMA) | {"messages": []}, 'Unknown name "messages": Cannot find field.'),
    ],
)
def test_gemini_rejects_what_it_does_not_have(send: Send, body: Any, message: str) -> None:
    status, answer = send(GEMINI, body)
    assert (status, answer["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert message in answer["error"]["message"]


def test_gemini_ignores_keywords_that_it_does_not_know(send: Send) -> None:
    assert send(GEMINI, gemini(changed(additionalProperties=None, patternProperties={})))[0] == 200


def test_their_own_interfaces_take_no_bearer_token(send: Send) -> None:
    bearer = {"Authorization": "Bearer key"}
    assert send("/anthropic/v1/messages", claude(SCHEMA), bearer)[0] == 401
    assert send(GEMINI, gemini(SCHEMA), bearer)[0] == 400


def test_an_answerer_is_found_by_the_name_of_the_schema(ai: Ai, send: Send) -> None:
    ai.answer_with("Choice", lambda messages, _schema: {"choice": messages[-1]["content"]})
    ai.answer_with("Other", lambda _messages, _schema: {})
    _, answer = send("/openai/v1/chat/completions", chat(SCHEMA))
    assert json.loads(answer["choices"][0]["message"]["content"]) == {"choice": "Answer in JSON"}
    _, message = send("/anthropic/v1/messages", claude(SCHEMA))
    assert json.loads(message["content"][0]["text"]) == {"choice": "Answer in JSON"}


def test_the_simplest_value() -> None:
    kinds = {
        "a": {"const": 7},
        "b": {"anyOf": [{"type": "null"}, WORDS]},
        "c": {"type": ["string", "null"]},
        "d": {"type": "array", "items": WORDS},
        "e": {"type": "number"},
        "f": {"type": "boolean"},
    }
    assert example({"type": "object", "properties": kinds}) == {
        "a": 7,
        "b": None,
        "c": "",
        "d": [],
        "e": 0,
        "f": False,
    }
