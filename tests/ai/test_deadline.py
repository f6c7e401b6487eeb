"""The deadline holds whatever the provider does; the text before it is the answer."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from shared.ai.chat import Usage
from shared.core.errors import AIError, AITimeout
from shared.core.http import Stream
from tests.ai.asking import Ask, Lines
from tests.ai.raw_server import (
    CHUNKED,
    END,
    RawServer,
    Script,
    chunk,
    event,
    good,
    head,
    sends,
    silence,
    stream,
)
from tools.emulator.ai import Ai, AiBehaviour

DEADLINE = 0.2  # seconds


@contextmanager
def exactly(seconds: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    taken = time.monotonic() - started
    assert seconds - 0.01 <= taken < seconds + 1.8, f"took {taken:.3f} s, not {seconds} s"


def drip(body: bytes) -> Script:
    """Send one byte each 20 ms."""
    return sends(*(body[index : index + 1] for index in range(len(body))), gap=0.02)


@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("says nothing at all", silence),
        ("drips its headers", drip(CHUNKED * 3)),
        ("falls silent within its headers", sends(CHUNKED[:40], then=silence)),
        ("falls silent after its headers", sends(CHUNKED, then=silence)),
        ("drips comments", sends(CHUNKED, *[chunk(b": PROCESSING\n\n")] * 100, gap=0.02)),
        ("drips the head of a chunk", sends(CHUNKED, *[b"0"] * 100, gap=0.02)),
        ("drips its first event", sends(CHUNKED + b"ffff\r\n", then=drip(event("x" * 999)))),
        ("drips an answer in one piece", sends(head(Content_Length="9999") + b"{", then=drip(b" " * 99))),
        ("drips spaces", sends(head(Content_Length="9999"), then=drip(b" " * 99))),
        ("drips an error", sends(head("500 Oops", Content_Length="99"), then=drip(b" " * 98))),
    ],
)
def test_without_text_by_the_deadline_there_is_no_answer(
    raw: RawServer, ask: Ask, name: str, script: Script
) -> None:
    raw.next(script)

    with exactly(DEADLINE):
        try:
            ask(seconds=DEADLINE)
        except Exception as error:
            expected = "AIError" if "error" in name else "AITimeout"
            assert type(error).__name__ == expected, name
        else:
            pytest.fail(f"an answer from a provider that {name}")
    assert len(raw.requests) == 1
    assert raw.wait_closed(1)


@pytest.mark.parametrize(
    ("name", "rest"),
    [
        ("falls silent between events", sends(chunk(event("two ")), then=silence)),
        ("falls silent within an event", sends(chunk(event("two ") + event("three")[:-9]), then=silence)),
        (
            "falls silent within a chunk",
            sends(chunk(event("two ")), chunk(event("three"))[:-30], then=silence),
        ),
        ("drips an event", sends(chunk(event("two ")), b"ffff\r\n", then=drip(event("x" * 999)))),
        ("drips comments", sends(chunk(event("two ")), *[chunk(b":\n\n")] * 100, gap=0.02)),
    ],
)
def test_text_before_the_deadline_is_the_answer(raw: RawServer, ask: Ask, name: str, rest: Script) -> None:
    raw.next(sends(CHUNKED + chunk(event("One, ")), then=rest))

    with exactly(DEADLINE):
        answer = ask(seconds=DEADLINE)

    assert (answer.text, answer.finish) == ("One, two ", "cut"), name
    assert answer.usage == Usage()
    assert answer.milliseconds >= DEADLINE * 1000 - 10
    assert raw.wait_closed(1), "a connection that is cut off must not go back to the pool"
    raw.next(good("Afresh"))
    assert ask().text == "Afresh"
    assert raw.requests[-1].connection == 2


def test_a_slow_model_is_cut_off_with_its_text_so_far(ai: Ai, ask: Ask, lines: Lines) -> None:
    ai.next(AiBehaviour(chunks=["word "] * 200, chunk_delay=0.02))

    with exactly(DEADLINE):
        answer = ask(seconds=DEADLINE)

    assert answer.finish == "cut"
    assert 2 <= answer.text.count("word ") <= 20
    assert [line["finish"] for line in lines("ai_call")] == ["cut"]


def test_a_continuous_stream_does_not_extend_the_deadline(raw: RawServer, ask: Ask) -> None:
    raw.next(sends(CHUNKED, *[chunk(event("word ") * 50)] * 4000, gap=0.0005))

    with exactly(DEADLINE):
        answer = ask(seconds=DEADLINE)

    assert answer.finish == "cut"


def test_a_finished_answer_is_complete_without_usage(raw: RawServer, ask: Ask) -> None:
    raw.next(sends(CHUNKED + chunk(event("All of it") + event(finish="stop")), then=silence))

    answer = ask(seconds=DEADLINE)

    assert (answer.text, answer.finish, answer.usage) == ("All of it", "stop", Usage())


def test_the_end_of_the_body_is_not_awaited_after_the_last_event(raw: RawServer, ask: Ask) -> None:
    raw.next(sends(CHUNKED + chunk(stream("Done")), then=silence))
    started = time.monotonic()

    answer = ask(seconds=5)

    assert (answer.text, answer.finish) == ("Done", "stop")
    assert time.monotonic() - started < 4
    assert raw.wait_closed(1)


def test_no_request_is_sent_after_the_deadline(raw: RawServer, ask: Ask) -> None:
    with pytest.raises(AITimeout):
        ask(seconds=-1)

    assert raw.requests == []


def test_an_upload_that_stalls_ends_at_the_deadline(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    question = [{"role": "user", "content": "x" * 30_000_000}]  # more than the kernel takes off our hands
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{deaf.getsockname()[1]}")
        started = time.monotonic()
        with pytest.raises(AIError):
            ask(seconds=DEADLINE, messages=question)

    assert time.monotonic() - started < DEADLINE + 4


def test_waiting_for_more_events_ends_at_the_deadline(
    raw: RawServer, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.ai.response_reader._MAX_WAIT", 60.0)
    monkeypatch.setattr("shared.ai.response_reader._FIRST_PAUSE", 60.0)
    monkeypatch.setattr("shared.ai.response_reader._LONGEST_PAUSE", 60.0)
    raw.next(sends(CHUNKED, *[chunk(event("word "))] * 60, END, gap=0.02))

    with exactly(DEADLINE):
        assert ask(seconds=DEADLINE).finish == "cut"


def test_what_came_before_the_deadline_is_read(
    raw: RawServer, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.ai.response_reader._MAX_WAIT", 60.0)
    monkeypatch.setattr("shared.ai.response_reader._FIRST_PAUSE", 60.0)
    monkeypatch.setattr("shared.ai.response_reader._LONGEST_PAUSE", 60.0)
    raw.next(sends(CHUNKED, *[chunk(event("word "))] * 20, chunk(stream("end")) + END, gap=0.01))

    answer = ask(seconds=1)

    assert (answer.text, answer.finish) == ("word " * 20 + "end", "stop")


@pytest.mark.parametrize(("gap", "is_gathered"), [(0, False), (0.005, True)])
def test_only_a_slow_stream_is_read_in_batches(
    raw: RawServer, ask: Ask, monkeypatch: pytest.MonkeyPatch, gap: float, is_gathered: bool
) -> None:
    pauses: list[float] = []
    wait_for_silence = Stream.wait_for_silence

    def wait(stream: Stream, silence: float, timeout: float) -> bool:
        pauses.append(silence)
        return wait_for_silence(stream, silence, timeout)

    monkeypatch.setattr(Stream, "wait_for_silence", wait)
    monkeypatch.setattr("shared.ai.response_reader._EAGER_SECONDS", 0.5)
    raw.next(sends(CHUNKED, *[chunk(event("word "))] * 200, chunk(stream("end")) + END, gap=gap))

    assert ask().text == "word " * 200 + "end"

    assert bool(pauses) == is_gathered
    assert len(pauses) < 60
    assert pauses == sorted(pauses)
    assert all(0.01 <= pause <= 0.06 for pause in pauses)


def test_the_end_of_a_slow_stream_is_noticed_although_the_connection_stays_open(
    raw: RawServer, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.ai.response_reader._MAX_WAIT", 60.0)
    raw.next(sends(CHUNKED, *[chunk(event("word "))] * 20, chunk(stream("end")) + END, gap=0.005))
    started = time.monotonic()

    assert ask(seconds=20).finish == "stop"

    assert time.monotonic() - started < 5


def test_a_fast_stream_is_not_delayed(raw: RawServer, ask: Ask) -> None:
    words = chunk(b": " + b"x" * 400 + b"\n" + event("word ")) * 10
    raw.next(sends(CHUNKED, *[words] * 2_000, chunk(stream("end")), END))
    started = time.monotonic()

    assert ask(seconds=20).finish == "stop"

    assert time.monotonic() - started < 12, "10 MB at 64 kB each tenth of a second would take 16 s"


def test_an_invalid_chunk_ends_the_answer_at_once(raw: RawServer, ask: Ask) -> None:
    raw.next(sends(CHUNKED + chunk(event("So far")) + b"no length\r\n", then=silence))
    started = time.monotonic()

    assert ask(seconds=5).finish == "broken"

    assert time.monotonic() - started < 4


def test_several_dead_addresses_share_one_deadline(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        callers = [socket.socket() for _ in range(4)]
        for caller in callers:  # the queue is full: the kernel drops further attempts without an answer
            caller.setblocking(False)
            caller.connect_ex(("127.0.0.1", port))
        address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_options: [address] * 8)
        monkeypatch.setenv("OPENAI_BASE_URL", f"http://dead.example:{port}")
        started = time.monotonic()
        with pytest.raises(AIError):
            ask(seconds=DEADLINE)
        assert time.monotonic() - started < DEADLINE + 1.8
        for caller in callers:
            caller.close()
