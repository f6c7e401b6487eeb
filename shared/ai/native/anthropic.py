"""Structured answers of Claude from the Messages API (https://platform.claude.com/docs/en/api/messages).

`output_config.format` enforces the schema
(https://platform.claude.com/docs/en/build-with-claude/structured-outputs). The reasoning effort is not sent:
without `thinking` these models do not reason first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from shared.ai import reported_usage
from shared.ai.provider import (
    AnswerForm,
    ChatRequest,
    ErrorKind,
    Finish,
    PartialCompletion,
    ProviderError,
    Usage,
)
from shared.ai.providers import anthropic
from shared.core.config import settings
from shared.core.json_types import JsonMapping, JsonObject

_FINISHES: Mapping[str, Finish] = {"max_tokens": "length", "model_context_window_exceeded": "length"}


class Provider(anthropic.Provider):
    """Messages of Claude in one piece."""

    PATH = "/messages"
    OPTIONAL_PARAMS: ClassVar[tuple[str, ...]] = ("temperature", "metadata")
    ANSWER_FORMS: ClassVar[tuple[AnswerForm, ...]] = ("json_schema", "prompt")

    def is_offered(self) -> bool:
        """Whether the interface is there: always, beside the compatible one."""
        return True

    def headers(self, secret: str) -> dict[str, str]:
        """Return the headers of a request."""
        return self.key_check_headers(secret) | {"Content-Type": "application/json"}

    def structured_body(self, request: ChatRequest) -> JsonObject:
        """Return the body of a request for a structured answer."""
        system = "\n\n".join(one["content"] for one in request.messages if one["role"] == "system")
        body: JsonObject = {
            "model": request.model,
            "max_tokens": request.max_tokens or settings().chat_max_tokens,
            "messages": [dict(one) for one in request.messages if one["role"] != "system"],
        }
        if system:
            body["system"] = system
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if request.user_reference:
            body["metadata"] = {"user_id": request.user_reference}
        answer = request.answer_schema
        if answer is not None and answer.form == "json_schema":
            body["output_config"] = {"format": {"type": "json_schema", "schema": answer.schema}}
        return body

    def read_event(self, event: JsonMapping, partial: PartialCompletion) -> None:
        """Read a whole message; only blocks of text are the answer."""
        if event.get("type") == "error":
            partial.error = self.parse_error(0, event)
            return
        blocks = [block["text"] for block in event["content"] if block.get("type") == "text"]
        partial.content.put("".join(blocks))
        reason = str(event.get("stop_reason") or "")
        if reason == "refusal":
            partial.error = ProviderError(ErrorKind.CONTENT_REFUSED, code=reason)
        partial.finish = _FINISHES.get(reason, "stop")
        if isinstance(usage := event.get("usage"), Mapping):
            partial.usage = _usage(usage)


def _usage(usage: JsonMapping) -> Usage:
    """Return the tokens; `input_tokens` does not include those written to or read from the prompt cache."""
    parts = [
        reported_usage.count(usage.get(name))
        for name in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    ]
    tokens_in = None if parts[0] is None else reported_usage.count(sum(part or 0 for part in parts))
    return Usage(tokens_in, reported_usage.count(usage.get("output_tokens")), tokens_cached=parts[2])
