"""Reading an answer into a draft: a stream, one piece where a stream was asked for, or an error."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import orjson

from shared.ai.events import Events
from shared.ai.provider import MAX_BYTES, Draft, Problem, Provider
from shared.http import Broken, OutOfTime, Stream

_MAX_ERROR = 65_536  # bytes of an error's body that are read

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
        OutOfTime: the deadline came first; the draft holds what had come.
        Broken: the answer broke off, or makes no sense; likewise.
    """
    if not 200 <= answer.status < 300:
        draft.problem = _error(answer, service)
        return
    first = answer.read()
    while first.isspace():  # sent to keep the line open
        first = answer.read()
    if first.lstrip().startswith(b"{"):
        _take(_all(answer, first, MAX_BYTES), service, draft)
        draft.finish = draft.finish or "stop"
    elif _stream(answer, first, service, draft, deadline):
        answer.finish()


def _stream(answer: Stream, received: bytes, service: Provider, draft: Draft, deadline: float) -> bool:
    """Read server-sent events; return whether the last of them came."""
    started, reads, events = time.monotonic(), 0, Events()
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
        raise Broken("the stream ended before the answer")
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
        if event.strip() == b"[DONE]":
            draft.finish = draft.finish or "stop"
            return True
        _take(event, service, draft)
        if draft.problem or draft.is_full:
            break
    return False


def _take(event: bytes, service: Provider, draft: Draft) -> None:
    try:
        service.take(orjson.loads(event), draft)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise Broken(f"unreadable event: {type(error).__name__}") from None


def _error(answer: Stream, service: Provider) -> Problem:
    try:
        body = _all(answer, b"", _MAX_ERROR)
    except (Broken, OutOfTime):
        body = b""  # the status says enough
    problem = service.problem(answer.status, as_object(body))
    return replace(
        problem,
        retry_after=_retry_after(answer.headers),
        is_final=answer.headers.get("x-should-retry") == "false",  # OpenAI's
    )


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds a provider asks to wait; None when it does not, or names a date."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(float(headers[name]) * unit, 0.0)
        except (KeyError, ValueError):
            continue
    return None


def _all(answer: Stream, first: bytes, limit: int) -> bytes:
    parts, size = [first], len(first)
    while received := answer.read():
        parts.append(received)
        size += len(received)
        if size > limit:
            raise Broken(f"more than {limit} bytes")
    return b"".join(parts)


def as_object(body: bytes) -> dict[str, Any]:
    """Return an error's body as the object it should be; other text becomes its message."""
    try:
        value = orjson.loads(body)
    except ValueError:
        value = None
    if isinstance(value, list) and value:  # Google puts its errors into a list
        value = value[0]
    return value if isinstance(value, dict) else {"message": body.decode("utf-8", "replace")}
