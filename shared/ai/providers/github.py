"""GitHub Models, OpenAI-compatible, as https://docs.github.com/en/rest/models/inference described it.

GitHub retired the service on 30 July 2026
(https://github.blog/changelog/2026-07-01-github-models-is-being-fully-retired-on-july-30-2026/). Users can
add a token only if GITHUB_BASE_URL names a gateway that still serves it.

There is no free key check: the catalogue needs no token. An invalid token fails at the first request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from shared.ai.provider import ChatRequest, ErrorKind
from shared.ai.providers import openai
from shared.core.json_types import JsonObject


class Provider(openai.Provider):
    """Chat completions of GitHub Models."""

    NAME = "GitHub Models"
    BASE_URL = "https://models.github.ai/inference"
    MODEL = "openai/gpt-5.4-mini"
    KEYS_PAGE = "https://github.com/settings/personal-access-tokens"
    KEY_PATTERN = r"(?:gh[oprsu]_|github_pat_)[A-Za-z0-9_]{16,}"
    KEY_CHECK_PATH = None
    IS_DISCONTINUED = True
    OPTIONAL_PARAMS = ("temperature", "max_completion_tokens", "stream_options", "reasoning_effort")
    ERROR_CODES: ClassVar[Mapping[str, ErrorKind]] = {
        **openai.Provider.ERROR_CODES,
        "unauthorized": ErrorKind.INVALID_KEY,
        "no_access": ErrorKind.MODEL_NOT_FOUND,  # the account has no access to the model
        "unknown_model": ErrorKind.MODEL_NOT_FOUND,
        "unavailable_model": ErrorKind.MODEL_NOT_FOUND,
        "RateLimitReached": ErrorKind.RATE_LIMITED,
        "tokens_limit_reached": ErrorKind.CONTEXT_TOO_LONG,
        "content_filter": ErrorKind.CONTENT_REFUSED,
    }
    STATUS_CODES: ClassVar[Mapping[int, ErrorKind]] = {
        **openai.Provider.STATUS_CODES,
        410: ErrorKind.MODEL_NOT_FOUND,
    }

    def body(self, request: ChatRequest) -> JsonObject:
        """Return the body of a request, with the stream options of other servers."""
        return super().body(request) | {"stream_options": {"include_usage": True}}

    def user_fields(self, _reference: str) -> dict[str, str]:
        """Return nothing: the API has no field for it."""
        return {}
