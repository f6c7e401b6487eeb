"""OpenRouter: many models behind one key, OpenAI-compatible with four differences.

Usage includes the price. Once a model has begun, an error arrives inside the HTTP 200 with the status it
would have had as its code, or only `native_finish_reason` tells it. `error.metadata.error_type` is a
canonical error code. 402 with `openrouter_in_flight_budget` only means that other requests must finish first
(https://openrouter.ai/docs/api-reference/errors, /limits, /streaming).

Its list of models is public, so a key is checked with GET /key
(https://openrouter.ai/docs/api/api-reference/api-keys/get-current-key).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar
from urllib.parse import urlsplit

from shared.ai import reported_usage
from shared.ai.provider import ChatRequest, ErrorKind, PartialCompletion, ProviderError, Usage
from shared.ai.providers import openai
from shared.core.config import settings
from shared.core.json_types import JsonMapping, JsonObject


class Provider(openai.Provider):
    """Chat completions of OpenRouter."""

    NAME = "OpenRouter"
    BASE_URL = "https://openrouter.ai/api/v1"
    MODEL = "openai/gpt-5.4-mini"
    KEYS_PAGE = "https://openrouter.ai/settings/keys"
    KEY_PATTERN = r"sk-or-[A-Za-z0-9_-]{16,}"
    KEY_CHECK_PATH = "/key"
    OPTIONAL_PARAMS = ("temperature", "max_completion_tokens", "reasoning_effort")
    ERROR_CODES: ClassVar[Mapping[str, ErrorKind]] = {
        "authentication": ErrorKind.INVALID_KEY,
        "payment_required": ErrorKind.NO_CREDIT,
        "token_limit_exceeded": ErrorKind.NO_CREDIT,
        "not_found": ErrorKind.MODEL_NOT_FOUND,
        "rate_limit_exceeded": ErrorKind.RATE_LIMITED,
        "content_policy_violation": ErrorKind.CONTENT_REFUSED,
        "refusal": ErrorKind.CONTENT_REFUSED,
        "context_length_exceeded": ErrorKind.CONTEXT_TOO_LONG,
        "string_too_long": ErrorKind.CONTEXT_TOO_LONG,
        "payload_too_large": ErrorKind.CONTEXT_TOO_LONG,
        "provider_overloaded": ErrorKind.SERVER_ERROR,
        "provider_unavailable": ErrorKind.SERVER_ERROR,
        "server": ErrorKind.SERVER_ERROR,
        "server_error": ErrorKind.SERVER_ERROR,
        "timeout": ErrorKind.PROVIDER_TIMEOUT,
    }

    AMBIGUOUS_CODES: ClassVar[Mapping[str, ErrorKind]] = {"permission_denied": ErrorKind.PERMISSION_DENIED}

    def headers(self, secret: str) -> dict[str, str]:
        """Return the headers of a request; two of them name this app, as OpenRouter asks."""
        headers = super().headers(secret)
        if public_url := settings().public_url:
            headers["HTTP-Referer"] = public_url
            headers["X-OpenRouter-Title"] = urlsplit(public_url).hostname or public_url
        return headers

    def body(self, request: ChatRequest) -> JsonObject:
        """Return the body of a request. Usage always comes without being requested."""
        body = super().body(request)
        del body["stream_options"]
        return body

    def structured_body(self, request: ChatRequest) -> JsonObject:
        """Return the body of a request for a structured answer.

        With `require_parameters` only hosts that support `response_format` serve it
        (https://openrouter.ai/docs/features/structured-outputs, /provider-routing); others would ignore it.
        It concerns every parameter, so the limit has the name that all hosts know.
        """
        body = super().structured_body(request)
        if "max_completion_tokens" in body:
            body["max_tokens"] = body.pop("max_completion_tokens")
        if "response_format" in body:
            body["provider"] = {"require_parameters": True}
        return body

    def user_fields(self, reference: str) -> dict[str, str]:
        """Return the fields that identify the user."""
        return {"user": reference}

    def usage(self, usage: JsonMapping) -> Usage:
        """Return tokens and cost; OpenRouter's credits are US dollars."""
        return replace(super().usage(usage), cost=reported_usage.cost(usage.get("cost")))

    def _finish(self, reason: str, choice: JsonMapping, partial: PartialCompletion) -> None:
        """Read the finish reason; a failure of the model may stand only in its own one."""
        native = str(choice.get("native_finish_reason") or "").lower()
        super()._finish(native if native in openai.FAILURES else reason, choice, partial)

    def parse_error(self, status: int, body: JsonMapping) -> ProviderError:
        """Map an error body to an ErrorKind. Its metadata may quote the user: the message leaves it out."""
        error = body.get("error")
        if not isinstance(error, Mapping):
            return super().parse_error(status, body)
        code, metadata = error.get("code"), error.get("metadata")
        if not isinstance(metadata, Mapping):
            metadata = {}
        inner = code if status in (0, 200) and isinstance(code, int) else status
        word = metadata.get("error_type") or code
        error = super().parse_error(inner, {"error": {"code": word, "message": error.get("message") or "?"}})
        if "the requested parameters" in error.message:  # no host takes all of them: not an unknown model
            names = "temperature, reasoning_effort"  # which models most often do not take
            return replace(error, kind=ErrorKind.INVALID_REQUEST, message=f"{error.message} ({names})")
        if metadata.get("limit_source") == "openrouter_in_flight_budget":
            return replace(error, kind=ErrorKind.RATE_LIMITED)
        if inner == 403 and "Key limit exceeded" in error.message:  # a valid key whose limit is used up
            return replace(error, kind=ErrorKind.NO_CREDIT)
        if inner == 403 and ("reasons" in metadata or "flagged_input" in metadata):
            return replace(error, kind=ErrorKind.CONTENT_REFUSED)
        return replace(error, kind=_upstream_cause(metadata.get("raw")) or error.kind)


def _upstream_cause(raw: object) -> ErrorKind | None:
    """Return the kind of the error of the provider behind OpenRouter; its key is not the one we send."""
    from shared.ai import error_patterns

    text = str(raw or "")
    cause = error_patterns.unambiguous_kind(text) or error_patterns.probable_kind(502, text)
    return (
        cause
        if cause in (ErrorKind.NO_STREAMING, ErrorKind.CONTEXT_TOO_LONG, ErrorKind.CONTENT_REFUSED)
        else None
    )
