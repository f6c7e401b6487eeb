"""Requests to media providers: one attempt each, by a deadline, with a bounded response.

    answer = wire.call("POST", url, headers, deadline, body)

An `Answer` is whatever the provider said, a `Failed` that nothing came that can be read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import orjson

from shared.ai.media.contract import Cause, Failed
from shared.core import http
from shared.core.errors import ConfigError
from shared.core.json_types import JsonMapping, JsonObject, JsonValue

MAX_BYTES = 50_000_000  # of a response or a file: the most that a bot can send, and OpenRouter's own limit
_MAX_TEXT = 4_000  # characters of a body that is not JSON
_Value = TypeVar("_Value")


class TooLong(http.ProtocolError):
    """The response is longer than MAX_BYTES."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response. `text` is the body where it is no JSON object."""

    status: int
    body: JsonMapping = field(default_factory=dict)
    text: str = ""
    retry_after_s: float | None = None

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx and the body a JSON object."""
        return 200 <= self.status < 300 and not self.text


def call(
    method: str,
    url: str,
    headers: Mapping[str, str],
    deadline: float,
    body: JsonObject | bytes | None = None,
) -> Answer | Failed:
    """Send a request and return the response, or why there is none.

    Args:
        body: sent as JSON, or as it is with the Content-Type in `headers`.

    Raises:
        ConfigError: the URL or a header cannot be sent, as with a line break in an API key.
    """
    if isinstance(body, bytes):
        data = body
    else:
        data = b"" if body is None else orjson.dumps(body)
        headers = {"Content-Type": "application/json", **headers} if body is not None else headers
    try:
        response = fetch(method, url, headers, deadline, data)
    except http.RequestError as error:
        return _no_response(error)
    except ValueError as error:
        raise ConfigError(f"the address or the key of a media provider is malformed: {error}") from None
    return _answer(response)


def fetch(
    method: str,
    url: str,
    headers: Mapping[str, str],
    deadline: float,
    body: bytes = b"",
    is_allowed: Callable[[str], bool] | None = None,
) -> http.Response:
    """Send a request and return the whole response; see `http.stream`.

    Raises:
        RequestError: no whole response came by the deadline. TooLong: it has more than MAX_BYTES.
        ValueError: the URL or a header cannot be sent.
    """
    response = http.stream(method, url, body, headers, deadline, is_allowed=is_allowed)
    parts = []
    while data := response.read():
        parts.append(data)
        if response.received > MAX_BYTES:
            response.close()
            raise TooLong("too long")
    return http.Response(response.status, response.headers, b"".join(parts))


def content_length(response: http.Stream) -> int | None:
    """Return the announced size of a body in bytes."""
    text = response.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdecimal() else None


def get(mapping: object, *path: str | int) -> JsonValue:
    """Return what is at a path of JSON, None where the path does not exist."""
    for step in path:
        if isinstance(step, str):
            mapping = mapping.get(step) if isinstance(mapping, Mapping) else None
        else:
            mapping = (
                mapping[step] if isinstance(mapping, list) and -len(mapping) <= step < len(mapping) else None
            )
    return mapping


def get_text(mapping: object, *path: str | int) -> str:
    """Return the text at a path of JSON; an empty one where there is none."""
    value = get(mapping, *path)
    return value if isinstance(value, str) else ""


def get_list(mapping: object, *path: str | int) -> list[JsonValue]:
    """Return the list at a path of JSON; an empty one where there is none."""
    value = get(mapping, *path)
    return value if isinstance(value, list) else []


def counts(mapping: object) -> dict[str, int]:
    """Return the whole numbers of a usage object."""
    if not isinstance(mapping, Mapping):
        return {}
    return {
        name: value
        for name, value in mapping.items()
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53
    }


def _answer(response: http.Response) -> Answer:
    retry_after = _seconds(response.headers)
    try:
        body = orjson.loads(response.data)
    except ValueError:
        body = None
    if isinstance(body, list) and len(body) == 1:  # Google's errors are sometimes a list of one
        body = body[0]
    if isinstance(body, dict):
        return Answer(response.status, body, retry_after_s=retry_after)
    text = response.data[:_MAX_TEXT].decode(errors="replace").strip() or "(empty body)"
    return Answer(response.status, text=text, retry_after_s=retry_after)


def _seconds(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of Retry-After; None without it or with a date."""
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds <= 86_400 else None


def _no_response(error: http.RequestError) -> Failed:
    spent = None if error.maybe_processed else False
    if isinstance(error, http.Timeout):
        cause = Cause.DEADLINE_EXCEEDED
    elif isinstance(error, http.ProtocolError):
        cause = Cause.INVALID_RESPONSE
    else:
        cause = Cause.CONNECTION_LOST if error.maybe_processed else Cause.UNREACHABLE
    return Failed(cause, may_retry=not error.maybe_processed, spent=spent, message=str(error))
