"""Structured answers of the fake providers: which schema a request wants, and the value that answers it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tools.emulator.ai.dialects import Dialect, Json
from tools.emulator.ai.schemas import example, openai_problem
from tools.emulator.ai.words import text_of

# Gets the messages ({role, content}) and the schema; returns the object.
Answerer = Callable[[list[Json], Json], Json]


@dataclass(frozen=True)
class Wanted:
    """What a request wants. `is_enforced`: the provider sees to it, so the answer is nothing but JSON."""

    name: str
    schema: Json
    is_enforced: bool = True

    def answer(self, messages: list[Json], answerers: dict[str, Answerer]) -> str:
        """Return the text of an answer: the answerer's of this schema's name, else the simplest one."""
        answerer = answerers.get(self.name)
        value = answerer(messages, self.schema) if answerer else example(self.schema)
        text = json.dumps(value, ensure_ascii=False)
        return text if self.is_enforced else f"```json\n{text}\n```"


def wanted(body: Json, dialect: Dialect) -> Wanted | None:
    """Return what a chat completion should be; None for ordinary text.

    Anthropic ignores `response_format` here, and a host behind OpenRouter may, unless the request insists. A
    schema in the prompt has the name as its title.
    """
    named = in_prompt(body.get("messages") or [])
    format_ = body.get("response_format")
    if not isinstance(format_, dict) or dialect.name == "anthropic":
        return named
    insists = (body.get("provider") or {}).get("require_parameters") is True
    is_enforced = insists or not dialect.is_openrouter
    if format_.get("type") == "json_schema":
        inner = format_.get("json_schema") or {}
        return Wanted(str(inner.get("name")), inner.get("schema") or {}, is_enforced)
    if format_.get("type") == "json_object":
        return Wanted(named.name, named.schema, is_enforced) if named else Wanted("", {"type": "object"})
    return named


def problem(body: Json, dialect: Dialect) -> Json | None:
    """Return the error for a `response_format` that the provider rejects, None for one that it takes."""
    format_ = body.get("response_format")
    if not isinstance(format_, dict) or dialect.name in ("anthropic", "gemini"):
        return None
    if format_.get("type") == "json_object":
        if "json" in " ".join(text_of(one) for one in body["messages"]).lower():
            return None
        message = (
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type "
            "'json_object'."
        )
        found: tuple[str, str, str | None] | None = (message, "messages", None)
    else:
        inner = format_.get("json_schema") or {}
        strict = inner.get("strict") is True
        found = openai_problem(inner.get("name"), inner.get("schema"), strict=strict)
    if found is None:
        return None
    error = {"message": found[0], "type": "invalid_request_error", "param": found[1], "code": found[2]}
    if not dialect.is_openrouter:
        return error
    raw = {"raw": json.dumps({"error": error}), "provider_name": "Emulator"}
    return {"message": "Provider returned error", "code": 400, "metadata": raw}


def in_prompt(messages: list[Any]) -> Wanted | None:
    """Return the schema at the end of the system prompt, as shared/ai/structured.py puts it there."""
    for message in messages:
        if not isinstance(message, dict) or message.get("role") != "system":
            continue
        _, found, rest = text_of(message).rpartition('\n{"title":')
        if not found:
            continue
        try:
            schema = json.loads('{"title":' + rest)
        except ValueError:
            continue
        return Wanted(str(schema.pop("title")), schema, is_enforced=False)
    return None
