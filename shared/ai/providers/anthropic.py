"""Anthropic's Claude, through its endpoint in OpenAI's dialect.

What it takes and what it leaves unread:
https://platform.claude.com/docs/en/cli-sdks-libraries/libraries/openai-sdk (`user`, and what else it does not
know of OpenAI's, is ignored; `stream_options` works). Errors keep the words of
https://platform.claude.com/docs/en/api/errors, with one exception: an empty account is an invalid request.

A key is tried with the list of models, which is no part of that dialect: it wants `x-api-key` and refuses as
a bearer token the very key that chat takes so (https://platform.claude.com/docs/en/api/models/list).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from shared.ai.provider import Problem, Question, Trouble
from shared.ai.providers import openai

_VERSION = "2023-06-01"  # of the API; the only one since then


class Provider(openai.Provider):
    """Chat completions of Claude."""

    NAME = "Anthropic"
    BASE_URL = "https://api.anthropic.com/v1"
    MODEL = "claude-haiku-5-5"
    KEYS_PAGE = "https://platform.claude.com/settings/keys"
    KEY_PATTERN = r"sk-ant-[A-Za-z0-9_-]{16,}"
    SPARE = (
        "temperature",
        "max_completion_tokens",
        "stream_options",
        "reasoning_effort",
    )  # newer models take no temperature
    WORDS: ClassVar[Mapping[str, Trouble]] = {
        "authentication_error": Trouble.KEY,
        "invalid_api_key": Trouble.KEY,
        "billing_error": Trouble.CREDIT,
        "not_found_error": Trouble.SETTINGS,
        "rate_limit_error": Trouble.RATE,
        "request_too_large": Trouble.TOO_LONG,
        "content_filter": Trouble.REFUSED,
        "refusal": Trouble.REFUSED,
        "timeout_error": Trouble.SLOW,
        "api_error": Trouble.TEMPORARY,
        "overloaded_error": Trouble.TEMPORARY,
    }

    VAGUE: ClassVar[Mapping[str, Trouble]] = {"permission_error": Trouble.ACCESS}

    def check_headers(self, secret: str) -> dict[str, str]:
        """Return the headers with which a key is tried."""
        return {"x-api-key": secret, "anthropic-version": _VERSION}

    def body(self, question: Question) -> dict[str, Any]:
        """Return the body of a request, without what only OpenAI's own stream knows."""
        return super().body(question) | {"stream_options": {"include_usage": True}}

    def user(self, reference: str) -> dict[str, str]:
        """Return how to say who asks."""
        return {"user": reference}

    def problem(self, status: int, body: Mapping[str, Any]) -> Problem:
        """Put an error into our words."""
        problem = super().problem(status, body)
        if problem.trouble is Trouble.INVALID and "credit balance is too low" in problem.message:
            return replace(problem, trouble=Trouble.CREDIT)
        return problem
