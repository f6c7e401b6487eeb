"""OpenRouter: many models behind one key, in OpenAI's dialect with four differences.

The answer's price comes with it. Once a model has begun, an error arrives inside the HTTP 200 and carries the
status it would have had as its code. A canonical word for it is in `error.metadata.error_type`. And 402 with
`openrouter_in_flight_budget` only means that other requests must finish first
(https://openrouter.ai/docs/api-reference/errors, /limits, /streaming).

Its list of models is public and says nothing of a key; what does is GET /key
(https://openrouter.ai/docs/api/api-reference/api-keys/get-current-key).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import urlsplit

from shared.ai import reported_usage
from shared.ai.provider import Problem, Question, Trouble, Usage
from shared.ai.providers import openai
from shared.core.config import settings


class Provider(openai.Provider):
    """Chat completions of OpenRouter."""

    NAME = "OpenRouter"
    BASE_URL = "https://openrouter.ai/api/v1"
    MODEL = "openai/gpt-5-mini"
    KEYS_PAGE = "https://openrouter.ai/settings/keys"
    KEY_PATTERN = r"sk-or-[A-Za-z0-9_-]{16,}"
    CHECK_PATH = "/key"
    SPARE = ("temperature", "max_completion_tokens", "reasoning_effort")
    WORDS: ClassVar[Mapping[str, Trouble]] = {
        "authentication": Trouble.KEY,
        "payment_required": Trouble.CREDIT,
        "token_limit_exceeded": Trouble.CREDIT,
        "not_found": Trouble.SETTINGS,
        "rate_limit_exceeded": Trouble.RATE,
        "content_policy_violation": Trouble.REFUSED,
        "refusal": Trouble.REFUSED,
        "context_length_exceeded": Trouble.TOO_LONG,
        "string_too_long": Trouble.TOO_LONG,
        "payload_too_large": Trouble.TOO_LONG,
        "provider_overloaded": Trouble.TEMPORARY,
        "provider_unavailable": Trouble.TEMPORARY,
        "server": Trouble.TEMPORARY,
        "server_error": Trouble.TEMPORARY,
        "timeout": Trouble.SLOW,
    }

    VAGUE: ClassVar[Mapping[str, Trouble]] = {"permission_denied": Trouble.ACCESS}

    def headers(self, secret: str) -> dict[str, str]:
        """Return the headers of a request; two of them say on whose behalf, as OpenRouter asks."""
        headers = super().headers(secret)
        if public_url := settings().public_url:
            headers["HTTP-Referer"] = public_url
            headers["X-OpenRouter-Title"] = urlsplit(public_url).hostname or public_url
        return headers

    def body(self, question: Question) -> dict[str, Any]:
        """Return the body of a request. Usage always comes, so nothing has to ask for it."""
        body = super().body(question)
        del body["stream_options"]
        return body

    def user(self, reference: str) -> dict[str, str]:
        """Return how to say who asks."""
        return {"user": reference}

    def usage(self, usage: Mapping[str, Any]) -> Usage:
        """Return what the answer took; its cost is in credits, which are US dollars."""
        return replace(super().usage(usage), cost=reported_usage.cost(usage.get("cost")))

    def problem(self, status: int, body: Mapping[str, Any]) -> Problem:
        """Put an error into our words. Its metadata can quote the user and is left out of the message."""
        error = body.get("error")
        if not isinstance(error, Mapping):
            return super().problem(status, body)
        code, metadata = error.get("code"), error.get("metadata")
        if not isinstance(metadata, Mapping):
            metadata = {}
        inner = code if status in (0, 200) and isinstance(code, int) else status
        word = metadata.get("error_type") or code
        problem = super().problem(inner, {"error": {"code": word, "message": error.get("message") or "?"}})
        if metadata.get("limit_source") == "openrouter_in_flight_budget":
            return replace(problem, trouble=Trouble.RATE)
        if inner == 403 and "Key limit exceeded" in problem.message:  # a good key, all spent
            return replace(problem, trouble=Trouble.CREDIT)
        if inner == 403 and ("reasons" in metadata or "flagged_input" in metadata):
            return replace(problem, trouble=Trouble.REFUSED)
        return replace(problem, trouble=_upstream_cause(metadata.get("raw")) or problem.trouble)


def _upstream_cause(raw: Any) -> Trouble | None:
    """Return what the error of the provider behind OpenRouter says; its key is not the one we send."""
    from shared.ai import error_patterns

    text = str(raw or "")
    cause = error_patterns.certain_cause(text) or error_patterns.likely_cause(502, text)
    return cause if cause in (Trouble.NO_STREAM, Trouble.TOO_LONG, Trouble.REFUSED) else None
