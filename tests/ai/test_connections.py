"""Connections are reused for the next request if they are in a known state."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from shared.core.errors import AIError
from shared.core.http import post_json
from tests.ai.asking import Ask
from tests.ai.raw_server import (
    CHUNKED,
    END,
    RawServer,
    chunk,
    event,
    good,
    hang_up,
    head,
    plain,
    sends,
    silence,
    stream,
)

WHOLE = stream("Hello")
ERROR = {"error": {"message": "Overloaded", "type": "server_error"}}


@pytest.mark.parametrize(
    "first",
    [
        good(),
        sends(CHUNKED + chunk(WHOLE), END, gap=0.02),  # the end comes a little after the last event
        sends(CHUNKED, *[chunk(piece + b"\n\n") for piece in WHOLE.split(b"\n\n")[:-1]], END, gap=0.001),
        sends(head(Content_Length=str(len(WHOLE))) + WHOLE),
        plain({"choices": [{"message": {"content": "Hello"}}]}),
        sends(CHUNKED + chunk(event("Hello") + event(finish="stop")) + END),
    ],
)
def test_the_connection_of_a_complete_answer_is_reused(raw: RawServer, ask: Ask, first: object) -> None:
    raw.next(first)  # type: ignore[arg-type]

    for _ in range(3):
        assert ask().text == "Hello"

    assert [request.connection for request in raw.requests] == [1, 1, 1]


def test_the_connection_of_an_error_is_reused_for_the_retry(raw: RawServer, ask: Ask, no_pause: None) -> None:
    raw.next(plain(ERROR, "500 Internal Server Error"))

    assert ask().text == "Hello"

    assert [request.connection for request in raw.requests] == [1, 1]


@pytest.mark.parametrize(
    "script",
    [
        sends(CHUNKED + chunk(event("Half ")), then=silence),
        sends(CHUNKED + chunk(event("Half ") + b"data: nonsense\n\n"), then=silence),
        sends(CHUNKED + chunk(event("Half ") + b'data: {"error": {"message": "x"}}\n\n'), then=silence),
        sends(CHUNKED + chunk(event("x" * 500_000)), then=silence),
        sends(head(Content_Length="100000") + event("Half "), then=silence),
        sends(head(Connection="close") + WHOLE, then=hang_up),
    ],
)
def test_a_connection_in_the_middle_of_an_answer_is_closed(raw: RawServer, ask: Ask, script: object) -> None:
    raw.next(script)  # type: ignore[arg-type]

    ask(seconds=0.2)

    assert raw.wait_closed(1)
    assert ask().text == "Hello"
    assert [request.connection for request in raw.requests] == [1, 2]


def test_a_long_error_is_not_read_to_its_end(raw: RawServer, ask: Ask) -> None:
    body = b"x" * 300_000
    raw.next(sends(head("400 Bad Request", "text/plain", Content_Length="9999999") + body, then=silence))

    started = time.monotonic()
    with pytest.raises(AIError):
        ask()

    assert time.monotonic() - started < 4
    assert raw.wait_closed(1)


def test_a_connection_closed_while_idle_is_replaced(raw: RawServer, ask: Ask) -> None:
    raw.next(sends(CHUNKED + chunk(WHOLE) + END, then=hang_up))
    ask()
    raw.wait_closed(1)

    assert ask().text == "Hello"
    assert [request.connection for request in raw.requests] == [1, 2]


def test_a_request_that_the_provider_read_is_not_sent_twice(raw: RawServer, ask: Ask, no_pause: None) -> None:
    ask()
    raw.next(hang_up)

    with pytest.raises(AIError):
        ask()
    assert [request.connection for request in raw.requests] == [1, 1]
    assert ask().text == "Hello"


def test_concurrent_requests_use_separate_connections(raw: RawServer, ask: Ask) -> None:
    barrier = threading.Barrier(5)

    def meet(connection: socket.socket) -> None:
        barrier.wait(30)
        good()(connection)

    for _ in range(2):
        raw.next(*[meet] * 5)
        people = [threading.Thread(target=ask) for _ in range(5)]
        for user in people:
            user.start()
        for user in people:
            user.join(30)

    assert len(raw.requests) == 10
    assert len({request.connection for request in raw.requests}) == 5


def test_plain_requests_and_streams_to_the_same_host_share_its_connections(raw: RawServer, ask: Ask) -> None:
    raw.next(plain({}))
    assert post_json(f"{raw.url}/images", {}, timeout=5).status == 200

    assert ask().text == "Hello"

    assert [request.connection for request in raw.requests] == [1, 1]


def test_the_url_is_the_base_url_with_the_providers_path(raw: RawServer, ask: Ask) -> None:
    ask()
    ask(provider="openrouter")

    assert [request.path for request in raw.requests] == ["/v1/chat/completions", "/api/v1/chat/completions"]
    assert raw.requests[0].headers["accept-encoding"] == "identity"
