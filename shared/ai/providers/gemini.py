"""Google's Gemini through its OpenAI-compatible endpoint (https://ai.google.dev/gemini-api/docs/openai).

It rejects unknown fields, so requests have no field for the user. Errors are Google's: a list of one, with a
status in capitals. An invalid key is INVALID_ARGUMENT with a reason, and for newer keys (they begin with
"AQ.", https://ai.google.dev/gemini-api/docs/api-key) UNAUTHENTICATED. Only status, reason and message are
read: other fields can quote the request.

Structured answers are requested from Google's own interface (`native/gemini.py`), unless GEMINI_BASE_URL
names a gateway that only has the compatible one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from shared.ai.provider import ChatRequest, ErrorKind, ProviderError
from shared.ai.providers import openai
from shared.core.json_types import JsonMapping, JsonObject

_DAILY_QUOTA = "DAILY_QUOTA"  # not one of Google's codes


class Provider(openai.Provider):
    """Chat completions of Gemini."""

    NAME = "Google Gemini"
    BASE_URL = "https://generativelanguage.googleapis.com/v1beta/openai"
    MODEL = "gemini-3.8-flash"
    KEYS_PAGE = "https://aistudio.google.com/api-keys"
    KEY_PATTERN = r"(?:AIza|AQ\.)[A-Za-z0-9_-]{16,}"
    OPTIONAL_PARAMS: ClassVar[tuple[str, ...]] = (
        "temperature",
        "max_completion_tokens",
        "stream_options",
        "reasoning_effort",
    )
    ERROR_CODES: ClassVar[Mapping[str, ErrorKind]] = {
        "API_KEY_INVALID": ErrorKind.INVALID_KEY,
        "API_KEY_SERVICE_BLOCKED": ErrorKind.PERMISSION_DENIED,
        "ACCESS_TOKEN_TYPE_UNSUPPORTED": ErrorKind.INVALID_KEY,
        "CONSUMER_SUSPENDED": ErrorKind.PERMISSION_DENIED,
        "UNAUTHENTICATED": ErrorKind.INVALID_KEY,
        "BILLING_DISABLED": ErrorKind.NO_CREDIT,
        "NOT_FOUND": ErrorKind.MODEL_NOT_FOUND,
        _DAILY_QUOTA: ErrorKind.NO_CREDIT,
        "RESOURCE_EXHAUSTED": ErrorKind.RATE_LIMITED,
        "content_filter": ErrorKind.CONTENT_REFUSED,
        "DEADLINE_EXCEEDED": ErrorKind.PROVIDER_TIMEOUT,
        "UNAVAILABLE": ErrorKind.SERVER_ERROR,
        "INTERNAL": ErrorKind.SERVER_ERROR,
    }

    AMBIGUOUS_CODES: ClassVar[Mapping[str, ErrorKind]] = {
        "PERMISSION_DENIED": ErrorKind.PERMISSION_DENIED,
        "FAILED_PRECONDITION": ErrorKind.MODEL_NOT_FOUND,  # without billing, for example
    }

    def body(self, request: ChatRequest) -> JsonObject:
        """Return the body of a request, with the stream options of other servers."""
        return super().body(request) | {"stream_options": {"include_usage": True}}

    def user_fields(self, _reference: str) -> dict[str, str]:
        """Return nothing: the API has no field for it."""
        return {}

    def parse_error(self, status: int, body: JsonMapping) -> ProviderError:
        """Map an error by its reason, its status in capitals, its number."""
        error = body.get("error")
        if not isinstance(error, Mapping):
            return super().parse_error(status, body)
        words = [*_reasons(error), str(error.get("status") or error.get("code") or "")]
        word = next((word for word in words if word in self.ERROR_CODES), words[-1])
        number = error.get("code")
        status = number if status in (0, 200) and isinstance(number, int) else status
        return super().parse_error(status, {"error": {"code": word, "message": error.get("message") or "?"}})


def _reasons(error: JsonMapping) -> Iterator[str]:
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        if not isinstance(detail, Mapping):
            continue
        if detail.get("reason"):
            yield str(detail["reason"])
        if "PerDay" in str(
            detail.get("violations")
        ):  # a quotaId: requests work again tomorrow, or after a payment
            yield _DAILY_QUOTA
