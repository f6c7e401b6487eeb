"""The few Bot API calls of the wizard, each with a deadline. An error never holds the token."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from typing import Any, TypeVar

T = TypeVar("T")

DEADLINE = 10.0  # seconds
API = "https://api.telegram.org"


class BotApiError(Exception):
    """Telegram refused; `status` is 0 when it could not be reached."""

    def __init__(self, status: int, description: str) -> None:
        super().__init__(description)
        self.status = status


def call(token: str, method: str, deadline: float = DEADLINE, **parameters: Any) -> Any:
    """Call a method of the Bot API and return its result. Raises BotApiError."""
    base = os.environ.get("TELEGRAM_API_URL", "").rstrip("/") or API
    request = urllib.request.Request(
        f"{base}/bot{token}/{method}",
        data=json.dumps(parameters).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=deadline) as response:
            return _result(response.read())
    except urllib.error.HTTPError as error:
        with error:
            raise BotApiError(error.code, _description(error.read())) from None
    except (OSError, ValueError):
        # The error's own text holds the address, and that the token.
        raise BotApiError(0, "Telegram could not be reached") from None


def read(kind: type[T], token: str, method: str, deadline: float = DEADLINE, **parameters: Any) -> T:
    """Call a method and return its result as a model, or a list of models. Raises BotApiError."""
    from tools import validation

    try:
        return validation.parse(kind, call(token, method, deadline, **parameters))
    except validation.InvalidData as error:
        raise BotApiError(0, f"Telegram answered {method} with something unexpected: {error}") from None


def _result(body: bytes) -> Any:
    answer = json.loads(body)
    if not isinstance(answer, dict) or not answer.get("ok"):
        raise ValueError
    return answer.get("result")


def _description(body: bytes) -> str:
    try:
        return str(json.loads(body)["description"])
    except (ValueError, KeyError, TypeError):
        return "Telegram refused without a reason"
