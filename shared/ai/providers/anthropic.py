"""Anthropic's Claude through its OpenAI-compatible endpoint.

https://platform.claude.com/docs/en/cli-sdks-libraries/libraries/openai-sdk lists what it supports: unknown
fields such as `user` are ignored, `stream_options` works. Errors use the types of
https://platform.claude.com/docs/en/api/errors, except that an empty account is an invalid request.

It ignores `response_format`: structured answers are requested from the Messages API (`native/anthropic.py`).

A key is checked with the list of models, which is not OpenAI-compatible: it requires `x-api-key` and rejects
as a bearer token a key that chat accepts (https://platform.claude.com/docs/en/api/models/list).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from shared.ai.provider import ChatRequest, ErrorKind, ProviderError
from shared.ai.providers import openai
from shared.core.json_types import JsonMapping, JsonObject

VERSION = "2023-06-01"  # of the API; the only one since then


class Provider(openai.Provider):
    """Chat completions of Claude."""

    NAME = "Anthropic"
    BASE_URL = "https://api.anthropic.com/v1"
    MODEL = "claude-haiku-5-5"
    KEYS_PAGE = "https://platform.claude.com/settings/keys"
    KEY_PATTERN = r"sk-ant-[A-Za-z0-9_-]{16,}"
    OPTIONAL_PARAMS: ClassVar[tuple[str, ...]] = (
        "temperature",
        "max_completion_tokens",
        "stream_options",
        "reasoning_effort",
    )  # newer models take no temperature
    ERROR_CODES: ClassVar[Mapping[str, ErrorKind]] = {
        "authentication_error": ErrorKind.INVALID_KEY,
        "invalid_api_key": ErrorKind.INVALID_KEY,
        "billing_error": ErrorKind.NO_CREDIT,
        "not_found_error": ErrorKind.MODEL_NOT_FOUND,
        "rate_limit_error": ErrorKind.RATE_LIMITED,
        "request_too_large": ErrorKind.CONTEXT_TOO_LONG,
        "content_filter": ErrorKind.CONTENT_REFUSED,
        "refusal": ErrorKind.CONTENT_REFUSED,
        "timeout_error": ErrorKind.PROVIDER_TIMEOUT,
        "api_error": ErrorKind.SERVER_ERROR,
        "overloaded_error": ErrorKind.SERVER_ERROR,
    }

    AMBIGUOUS_CODES: ClassVar[Mapping[str, ErrorKind]] = {"permission_error": ErrorKind.PERMISSION_DENIED}

    def key_check_headers(self, secret: str) -> dict[str, str]:
        """Return the headers of a key check."""
        return {"x-api-key": secret, "anthropic-version": VERSION}

    def body(self, request: ChatRequest) -> JsonObject:
        """Return the body of a request, with the stream options of other servers."""
        return super().body(request) | {"stream_options": {"include_usage": True}}

    def user_fields(self, reference: str) -> dict[str, str]:
        """Return the fields that identify the user."""
        return {"user": reference}

    def parse_error(self, status: int, body: JsonMapping) -> ProviderError:
        """Map an error body to an ErrorKind."""
        error = super().parse_error(status, body)
        if error.kind is ErrorKind.INVALID_REQUEST and "credit balance is too low" in error.message:
            return replace(error, kind=ErrorKind.NO_CREDIT)
        return error
