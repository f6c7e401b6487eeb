"""Google's Gemini, through its endpoint in OpenAI's dialect (https://ai.google.dev/gemini-api/docs/openai).

It refuses a request for any field it does not know, so it is told nothing of who asks. Errors are Google's:
in a list of one, with a status in capitals; a wrong key is an invalid argument whose reason says so, and its
newer keys (they begin with "AQ.", https://ai.google.dev/gemini-api/docs/api-key) are unauthenticated instead.
Nothing of them but status, reason and message is read: the rest can quote the request.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from shared.ai.provider import Problem, Question, Trouble
from shared.ai.providers import openai

_PER_DAY = "DAILY_QUOTA"  # our word for it


class Provider(openai.Provider):
    """Chat completions of Gemini."""

    NAME = "Google Gemini"
    BASE_URL = "https://generativelanguage.googleapis.com/v1beta/openai"
    MODEL = "gemini-3.8-flash"
    KEYS_PAGE = "https://aistudio.google.com/api-keys"
    KEY_PATTERN = r"(?:AIza|AQ\.)[A-Za-z0-9_-]{16,}"
    SPARE = ("temperature", "max_completion_tokens", "stream_options", "reasoning_effort")
    WORDS: ClassVar[Mapping[str, Trouble]] = {
        "API_KEY_INVALID": Trouble.KEY,
        "API_KEY_SERVICE_BLOCKED": Trouble.ACCESS,
        "ACCESS_TOKEN_TYPE_UNSUPPORTED": Trouble.KEY,
        "CONSUMER_SUSPENDED": Trouble.ACCESS,
        "UNAUTHENTICATED": Trouble.KEY,
        "BILLING_DISABLED": Trouble.CREDIT,
        "NOT_FOUND": Trouble.SETTINGS,
        _PER_DAY: Trouble.CREDIT,
        "RESOURCE_EXHAUSTED": Trouble.RATE,
        "content_filter": Trouble.REFUSED,
        "DEADLINE_EXCEEDED": Trouble.SLOW,
        "UNAVAILABLE": Trouble.TEMPORARY,
        "INTERNAL": Trouble.TEMPORARY,
    }

    VAGUE: ClassVar[Mapping[str, Trouble]] = {
        "PERMISSION_DENIED": Trouble.ACCESS,
        "FAILED_PRECONDITION": Trouble.SETTINGS,  # not without billing, for one
    }

    def body(self, question: Question) -> dict[str, Any]:
        """Return the body of a request, without what only OpenAI's own stream knows."""
        return super().body(question) | {"stream_options": {"include_usage": True}}

    def user(self, _reference: str) -> dict[str, str]:
        """Return nothing: there is no field for who asks."""
        return {}

    def problem(self, status: int, body: Mapping[str, Any]) -> Problem:
        """Put an error into our words: by its reason, its status in capitals, its number."""
        error = body.get("error")
        if not isinstance(error, Mapping):
            return super().problem(status, body)
        words = [*_reasons(error), str(error.get("status") or error.get("code") or "")]
        word = next((word for word in words if word in self.WORDS), words[-1])
        number = error.get("code")
        status = number if status in (0, 200) and isinstance(number, int) else status
        return super().problem(status, {"error": {"code": word, "message": error.get("message") or "?"}})


def _reasons(error: Mapping[str, Any]) -> Iterator[str]:
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        if not isinstance(detail, Mapping):
            continue
        if detail.get("reason"):
            yield str(detail["reason"])
        if "PerDay" in str(detail.get("violations")):  # a quotaId: more requests tomorrow, or after paying
            yield _PER_DAY
