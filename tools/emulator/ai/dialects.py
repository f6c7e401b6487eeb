"""How each provider answers over HTTP: where, to which key, and what an error looks like.

The shapes are those of the providers' documentation and of the errors users report; shared/ai/providers
cites both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
Headers = Mapping[str, str]

# For each status: a message, OpenAI's type and code, Anthropic's type, Google's status.
ERRORS: dict[int, tuple[str, str, str, str, str]] = {
    400: (
        "Invalid request.",
        "invalid_request_error",
        "invalid_request",
        "invalid_request_error",
        "INVALID_ARGUMENT",
    ),
    401: (
        "Incorrect API key provided.",
        "invalid_request_error",
        "invalid_api_key",
        "authentication_error",
        "UNAUTHENTICATED",
    ),
    402: (
        "Insufficient credits.",
        "insufficient_quota",
        "insufficient_credits",
        "billing_error",
        "FAILED_PRECONDITION",
    ),
    403: (
        "Your input was flagged.",
        "permission_error",
        "moderation",
        "permission_error",
        "PERMISSION_DENIED",
    ),
    404: (
        "The model does not exist or you do not have access to it.",
        "invalid_request_error",
        "model_not_found",
        "not_found_error",
        "NOT_FOUND",
    ),
    429: (
        "Rate limit reached for requests.",
        "requests",
        "rate_limit_exceeded",
        "rate_limit_error",
        "RESOURCE_EXHAUSTED",
    ),
    500: (
        "The server had an error while processing your request.",
        "server_error",
        "server_error",
        "api_error",
        "INTERNAL",
    ),
    503: (
        "That model is currently overloaded with other requests.",
        "server_error",
        "overloaded",
        "overloaded_error",
        "UNAVAILABLE",
    ),
}


def _openai(status: int) -> Any:
    message, kind, code, _, _ = ERRORS.get(status, ERRORS[500])
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _openrouter(status: int) -> Any:
    return {"error": {"code": status, "message": ERRORS.get(status, ERRORS[500])[0], "metadata": {}}}


def _anthropic(status: int) -> Any:
    message, _, _, kind, _ = ERRORS.get(status, ERRORS[500])
    return {
        "type": "error",
        "error": {"type": kind, "message": "invalid x-api-key" if status == 401 else message},
    }


def _gemini(status: int) -> Any:
    """Wrap an error in a list, as Google does here; a wrong key is an invalid argument."""
    message, _, _, _, word = ERRORS.get(status, ERRORS[500])
    if status != 401:
        return [{"error": {"code": status, "message": message, "status": word}}]
    message = "API key not valid. Please pass a valid API key."
    reason = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }
    error = {"code": 400, "message": message, "status": "INVALID_ARGUMENT", "details": [reason]}
    return [{"error": error}]


def _github(status: int) -> Any:
    if status != 401:
        return _openai(status)
    message = "Bad credentials"
    return {"error": {"code": "unauthorized", "message": message, "details": message}}


def _bearer(headers: Headers) -> str | None:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key if scheme.lower() == "bearer" and key else None


def _x_api_key(headers: Headers) -> str | None:
    # This endpoint ignores a bearer token, although chat accepts it.
    return headers.get("x-api-key") if headers.get("anthropic-version") else None


@dataclass(frozen=True)
class Dialect:
    """One provider. `check` is the path that tries a key; None where nothing does."""

    name: str
    base: str
    error: Callable[[int], Any] = _openai
    check: str | None = "/models"
    check_key: Callable[[Headers], str | None] = _bearer
    wrong_key_status: int = 401
    takes: frozenset[str] | None = None  # the fields it knows, where others are refused

    @property
    def is_openrouter(self) -> bool:
        """Return whether it is OpenRouter: comments in the stream, a price, errors inside HTTP 200."""
        return self.name == "openrouter"

    def unknown_field(self, body: Json) -> str | None:
        """Return the first field of a request that it does not know and refuses."""
        return next((name for name in body if self.takes is not None and name not in self.takes), None)

    chat_key = staticmethod(_bearer)


DIALECTS = (
    Dialect("openai", "/openai/v1"),
    Dialect("openrouter", "/openrouter/api/v1", _openrouter, "/key"),
    Dialect("anthropic", "/anthropic/v1", _anthropic, check_key=_x_api_key),
    Dialect(
        "gemini",
        "/gemini/v1beta/openai",
        _gemini,
        wrong_key_status=400,
        takes=frozenset(
            {
                "model",
                "messages",
                "stream",
                "stream_options",
                "max_tokens",
                "max_completion_tokens",
                "temperature",
                "reasoning_effort",
                "response_format",
                "top_p",
            }
        ),
    ),
    Dialect("github", "/github/inference", _github, check=None),
)
