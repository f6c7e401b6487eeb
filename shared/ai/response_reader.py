"""Read a response into a `PartialCompletion`: a stream, a whole answer instead of one, or an error."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace

import orjson

from shared.ai.provider import MAX_BYTES, NOT_JSON, ErrorKind, PartialCompletion, Provider, ProviderError
from shared.ai.server_sent_events import EventParser
from shared.core.http import ProtocolError, RequestError, Stream
from shared.core.json_types import JsonObject, JsonValue

_MAX_ERROR_BYTES = 65_536  # bytes of an error's body that are read
_PADDING = b" \t\r\n\xef\xbb\xbf"  # white space that keeps the connection open, and a byte order mark

# A slow stream is read when it pauses or ends instead of at every word: each read wakes a thread, which costs
# more than parsing the words. After each pause that was not the end the next must be longer, so the end of
# a stream with irregular pauses is noticed later. A fast stream is read at once, or the socket buffer would
# fill up and the provider would have to wait.
_EAGER_SECONDS = 0.02  # a stream that ends sooner is not delayed
_LARGE_READ = 8_192  # bytes; a stream that brings as much at once is not slow
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.06  # seconds
_PAUSE_GROWTH = 1.25
_MAX_WAIT = 1.0  # seconds without a read
_LAST_READ = 0.05  # seconds before the deadline, from which all is read at once: at the deadline nothing is


def receive(response: Stream, service: Provider, partial: PartialCompletion, deadline: float) -> None:
    """Read a response of any kind into `partial`; its connection is kept if it was read to the end.

    Raises:
        RequestError: the deadline came first, the connection ended early, or the response cannot be read.
            `partial` has what came before.
    """
    if not 200 <= response.status < 300:
        partial.error = _read_error(response, service)
        return
    first = response.read()
    while first and not first.lstrip(_PADDING):
        first = response.read()
    start = first.lstrip(_PADDING)
    if start.startswith(b"<"):
        partial.error = error_from_response(
            service, response.status, response.headers, _read_all(response, start, _MAX_ERROR_BYTES)
        )
    elif start.startswith((b"{", b"[")):
        _read_whole(_read_all(response, start, MAX_BYTES), service, partial)
        if partial.error is None:
            partial.finish = partial.finish or "stop"
    elif _read_stream(response, start, service, partial, deadline):
        response.finish()
    if partial.error:
        partial.error = replace(partial.error, is_in_body=True)


def _read_whole(body: bytes, service: Provider, partial: PartialCompletion) -> None:
    """Read an answer in one piece, or events on single lines without `data:`."""
    try:
        _add_event(body, service, partial)
    except ProtocolError:
        lines = body.splitlines()
        if len(lines) < 2:
            raise
        _add_events(lines, service, partial)


def _read_stream(
    response: Stream, received: bytes, service: Provider, partial: PartialCompletion, deadline: float
) -> bool:
    """Read server-sent events; return whether the stream came to its end."""
    events = EventParser()
    try:
        return _read_events(response, received, events, service, partial, deadline)
    except RequestError:
        with suppress(ProtocolError):  # only the empty line after the last event may be missing
            _add_events(events.rest(), service, partial)
        raise


def _read_events(
    response: Stream,
    received: bytes,
    events: EventParser,
    service: Provider,
    partial: PartialCompletion,
    deadline: float,
) -> bool:
    started, pause = time.monotonic(), _FIRST_PAUSE
    while received:
        if _add_events(events.feed(received), service, partial):
            return True
        if partial.error or partial.is_full:
            return False
        now = time.monotonic()
        timeout = min(_MAX_WAIT, deadline - _LAST_READ - now)
        is_slow = now - started > _EAGER_SECONDS and len(received) < _LARGE_READ
        if is_slow and timeout > 0 and response.wait_for_silence(pause, timeout):
            pause = min(pause * _PAUSE_GROWTH, _LONGEST_PAUSE)
        received = response.read()
    if not _add_events(events.end(), service, partial) and partial.finish is None:
        raise ProtocolError("the stream ended before the answer")
    return True


def _add_events(events: Iterable[bytes], service: Provider, partial: PartialCompletion) -> bool:
    """Add events to `partial`; return whether the provider marked the end."""
    for event in events:
        if not event.startswith(b"{"):
            if event.strip().strip(b'"').upper() == b"[DONE]":
                partial.finish = partial.finish or "stop"
                return True
            if not event.lstrip().startswith((b"{", b"[")):
                continue  # it only keeps the connection open
        _add_event(event, service, partial)
        if partial.error:
            break
    return False


def _add_event(event: bytes, service: Provider, partial: PartialCompletion) -> None:
    """Add one event, or a whole answer, to `partial`."""
    try:
        value = _parse_json(event)
        # Google sends errors in a list.
        service.read_event(value[0] if isinstance(value, list) else value, partial)
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ProtocolError(f"unreadable event: {type(error).__name__}") from None


def _parse_json(event: bytes) -> JsonValue:
    """Return the JSON value; unlike orjson, accept NaN and incomplete characters."""
    try:
        return orjson.loads(event)
    except orjson.JSONDecodeError:
        return json.loads(event.decode("utf-8", "surrogateescape"), parse_int=_integer)


def _integer(digits: str) -> float:
    """Return a number of any length: Python refuses to parse thousands of digits as an integer."""
    return int(digits) if len(digits) < 20 else float(digits)


def _read_error(response: Stream, service: Provider) -> ProviderError:
    try:
        body = _read_all(response, b"", _MAX_ERROR_BYTES)
    except RequestError:
        body = b""  # the status has to do
    return replace(
        error_from_response(service, response.status, response.headers, body),
        retry_after=retry_after(response.headers),
        is_permanent=response.headers.get("x-should-retry") == "false",  # OpenAI's
    )


def error_from_response(
    service: Provider, status: int, headers: Mapping[str, str], body: bytes
) -> ProviderError:
    """Map an error response to a ProviderError; one of unknown format by its status alone."""
    if headers.get("cf-mitigated"):  # https://developers.cloudflare.com/cloudflare-challenges/
        return ProviderError(ErrorKind.BLOCKED, status, "cf-mitigated", "Cloudflare's challenge")
    try:
        return service.parse_error(status, as_object(_without_framing(body)))
    except (LookupError, TypeError, ValueError, AttributeError):
        return service.parse_error(status, {})


def _without_framing(body: bytes) -> bytes:
    """Return an error's body without a byte order mark and without `data:` before it."""
    body = body.lstrip(_PADDING)
    if not body.startswith((b"data:", b"event:", b":")):
        return body
    return next((line[5:] for line in body.splitlines() if line.startswith(b"data:")), body)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the delay in seconds that a provider asks for; None without one, or for a date."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = max(float(headers[name]) * unit, 0.0)
            return seconds if math.isfinite(seconds) else None
        except (KeyError, ValueError):
            continue
    return None


def _read_all(response: Stream, first: bytes, limit: int) -> bytes:
    parts, size = [first], len(first)
    while received := response.read():
        parts.append(received)
        size += len(received)
        if size > limit:
            raise ProtocolError(f"more than {limit} bytes")
    return b"".join(parts)


def as_object(body: bytes) -> JsonObject:
    """Return an error's body as a JSON object; anything else as the value of NOT_JSON."""
    try:
        value = _parse_json(body)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, list) and value:  # Google sends errors in a list
        value = value[0]
    return value if isinstance(value, dict) else {NOT_JSON: body.decode("utf-8", "replace")}
