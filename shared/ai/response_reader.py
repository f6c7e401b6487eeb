"""Reading an answer into a draft: a stream, one piece where a stream was asked for, or an error."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import orjson

from shared.ai.provider import MAX_BYTES, NOT_JSON, Draft, Problem, Provider, Trouble
from shared.ai.server_sent_events import Events
from shared.core.http import ProtocolError, RequestError, Stream

_MAX_ERROR = 65_536  # bytes of an error's body that are read
_BEFORE = b" \t\r\n\xef\xbb\xbf"  # sent to keep the connection open, and a byte order mark

# A stream that trickles is looked at ten times a second instead of at every word: a quarter of the CPU of an
# answer that takes ten seconds, for at most a twentieth of its time. A quick one is never made to wait, nor
# one that pours: the kernel would soon hold all it may, and the provider would have to wait for us.
_EAGER_READS = 8
_HANDFUL = 8_192  # bytes; a stream that brings more at once does not trickle
_SHARE = 20
_SHORTEST_WAIT, _LONGEST_WAIT = 0.005, 0.1  # seconds


def receive(answer: Stream, service: Provider, draft: Draft, deadline: float) -> None:
    """Read an answer of any kind into the draft, and free its connection if it was read to the end.

    Raises:
        Timeout: the deadline came first; the draft holds what had come.
        ProtocolError: the answer broke off, or makes no sense; likewise.
    """
    if not 200 <= answer.status < 300:
        draft.problem = _error(answer, service)
        return
    first = answer.read()
    while first and not first.lstrip(_BEFORE):
        first = answer.read()
    start = first.lstrip(_BEFORE)
    if start.startswith(b"<"):
        draft.problem = problem_of(service, answer.status, answer.headers, _all(answer, start, _MAX_ERROR))
    elif start.startswith((b"{", b"[")):
        _take_whole(_all(answer, start, MAX_BYTES), service, draft)
        if draft.problem is None:
            draft.finish = draft.finish or "stop"
    elif _stream(answer, start, service, draft, deadline):
        answer.finish()
    if draft.problem:
        draft.problem = replace(draft.problem, is_inside=True)


def _take_whole(body: bytes, service: Provider, draft: Draft) -> None:
    """Read an answer in one piece, or events one a line that no `data:` precedes."""
    try:
        _take(body, service, draft)
    except ProtocolError:
        lines = body.splitlines()
        if len(lines) < 2:
            raise
        _take_all(lines, service, draft)


def _stream(answer: Stream, received: bytes, service: Provider, draft: Draft, deadline: float) -> bool:
    """Read server-sent events; return whether the last of them came."""
    events = Events()
    try:
        return _read_events(answer, received, events, service, draft, deadline)
    except RequestError:
        with suppress(ProtocolError):  # the last event may be complete but for the empty line after it
            _take_all(events.rest(), service, draft)
        raise


def _read_events(
    answer: Stream, received: bytes, events: Events, service: Provider, draft: Draft, deadline: float
) -> bool:
    started, reads = time.monotonic(), 0
    while received:
        if _take_all(events.feed(received), service, draft):
            return True
        if draft.problem or draft.is_full:
            return False
        reads += 1
        if reads > _EAGER_READS and len(received) < _HANDFUL:
            _gather(started, deadline)
        received = answer.read()
    if not _take_all(events.end(), service, draft) and draft.finish is None:
        raise ProtocolError("the stream ended before the answer")
    return True


def _gather(started: float, deadline: float) -> None:
    """Let a slow stream gather some words."""
    now = time.monotonic()
    wait = min((now - started) / _SHARE, _LONGEST_WAIT, deadline - now)
    if wait > _SHORTEST_WAIT:
        time.sleep(wait)


def _take_all(events: Iterable[bytes], service: Provider, draft: Draft) -> bool:
    """Read events into the draft; return whether the provider said that there are no more."""
    for event in events:
        if not event.startswith(b"{"):
            if event.strip().strip(b'"').upper() == b"[DONE]":
                draft.finish = draft.finish or "stop"
                return True
            if not event.lstrip().startswith((b"{", b"[")):
                continue  # it keeps the connection open and says nothing
        _take(event, service, draft)
        if draft.problem:
            break
    return False


def _take(event: bytes, service: Provider, draft: Draft) -> None:
    """Read one event, or a whole answer."""
    try:
        value = _parsed(event)
        # Google puts its errors into a list.
        service.take(value[0] if isinstance(value, list) else value, draft)
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ProtocolError(f"unreadable event: {type(error).__name__}") from None


def _parsed(event: bytes) -> Any:
    """Return the JSON value; also with NaN and with half a character, which orjson refuses."""
    try:
        return orjson.loads(event)
    except orjson.JSONDecodeError:
        return json.loads(event.decode("utf-8", "surrogateescape"), parse_int=_integer)


def _integer(digits: str) -> float:
    """Return a number however long it is: reading thousands of digits as an integer is refused."""
    return int(digits) if len(digits) < 20 else float(digits)


def _error(answer: Stream, service: Provider) -> Problem:
    try:
        body = _all(answer, b"", _MAX_ERROR)
    except RequestError:
        body = b""  # the status says enough
    return replace(
        problem_of(service, answer.status, answer.headers, body),
        retry_after=_retry_after(answer.headers),
        is_final=answer.headers.get("x-should-retry") == "false",  # OpenAI's
    )


def problem_of(service: Provider, status: int, headers: Mapping[str, str], body: bytes) -> Problem:
    """Return what an error answer means; one of an unknown shape is taken by its status."""
    if headers.get("cf-mitigated"):  # https://developers.cloudflare.com/cloudflare-challenges/
        return Problem(Trouble.BLOCKED, status, "cf-mitigated", "Cloudflare's challenge")
    try:
        return service.problem(status, as_object(_without_framing(body)))
    except (LookupError, TypeError, ValueError, AttributeError):
        return service.problem(status, {})


def _without_framing(body: bytes) -> bytes:
    """Return an error's body without a byte order mark and without the `data:` of an event around it."""
    body = body.lstrip(_BEFORE)
    if not body.startswith((b"data:", b"event:", b":")):
        return body
    return next((line[5:] for line in body.splitlines() if line.startswith(b"data:")), body)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds a provider asks to wait; None when it does not, or names a date."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = max(float(headers[name]) * unit, 0.0)
            return seconds if math.isfinite(seconds) else None
        except (KeyError, ValueError):
            continue
    return None


def _all(answer: Stream, first: bytes, limit: int) -> bytes:
    parts, size = [first], len(first)
    while received := answer.read():
        parts.append(received)
        size += len(received)
        if size > limit:
            raise ProtocolError(f"more than {limit} bytes")
    return b"".join(parts)


def as_object(body: bytes) -> dict[str, Any]:
    """Return an error's body as the object it should be; other text becomes `not_json`."""
    try:
        value = _parsed(body)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, list) and value:  # Google puts its errors into a list
        value = value[0]
    return value if isinstance(value, dict) else {NOT_JSON: body.decode("utf-8", "replace")}
