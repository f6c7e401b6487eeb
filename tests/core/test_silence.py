"""A wait ends when nothing arrives any more, never while something does."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.core import silence
from shared.core.silence import wait_for_silence

LATE = 10.0  # seconds; for what should happen at once on a busy machine

Pair = tuple[socket.socket, socket.socket]


def _pair() -> Pair:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        return near, listener.accept()[0]


@pytest.fixture
def pair() -> Iterator[Pair]:
    near, far = _pair()
    with near, far:
        yield near, far


def drip(far: socket.socket, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        far.sendall(b"x")
        time.sleep(0.01)


def test_a_wait_lasts_while_something_arrives(pair: Pair) -> None:
    near, far = pair
    sender = threading.Thread(target=drip, args=(far, 1.0))
    started = time.monotonic()
    sender.start()

    assert wait_for_silence(near, 0.3, LATE)

    assert 1.2 < time.monotonic() - started < LATE / 2
    sender.join()
    assert len(near.recv(1_000)) > 5, "what arrived is left to the reader"


def test_a_wait_ends_at_its_timeout_and_can_be_repeated(pair: Pair) -> None:
    near, far = pair
    sender = threading.Thread(target=drip, args=(far, 1.5))
    sender.start()
    for _ in range(3):
        started = time.monotonic()
        assert not wait_for_silence(near, 0.5, 0.2)
        assert 0.19 < time.monotonic() - started < LATE / 2
    sender.join()

    assert wait_for_silence(near, 0.05, LATE)
    assert not wait_for_silence(near, 0.05, -1)


def test_the_end_of_a_connection_ends_a_long_wait(pair: Pair) -> None:
    near, far = pair
    threading.Timer(0.1, far.close).start()
    started = time.monotonic()

    assert wait_for_silence(near, 60, 60)

    assert time.monotonic() - started < LATE


def test_one_thread_watches_all_connections() -> None:
    pairs = [_pair() for _ in range(20)]
    with ThreadPoolExecutor(20) as waiting:
        silent = list(waiting.map(lambda pair: wait_for_silence(pair[0], 0.05, LATE), pairs))

    assert silent == [True] * 20
    assert [thread.name for thread in threading.enumerate()].count("silence") == 1
    for pair in pairs:
        for connection in pair:
            connection.close()


def test_a_system_without_epoll_sleeps(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "_ARRIVAL", 0)
    started = time.monotonic()

    assert wait_for_silence(pair[0], 60, 0.05)

    assert 0.04 < time.monotonic() - started < LATE
