"""A stream gives the same text wherever its bytes are split."""

from __future__ import annotations

import pytest

from shared.ai.provider import MAX_BYTES
from shared.ai.server_sent_events import EventParser
from shared.core.errors import AIError, AIUnavailable
from shared.core.http import ProtocolError
from tests.ai.asking import Ask, Lines
from tests.ai.raw_server import CHUNKED, END, RawServer, chunk, event, hang_up, head, sends, stream

ERROR_CODES = ("Здравствуй, ", "мир 🌍 ", "é\u2028\u0085 ", '"quoted" \\ and\nnew line')
TEXT = "".join(ERROR_CODES)


def in_pieces(body: bytes, size: int) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_events_may_be_split_anywhere_even_within_a_character(size: int) -> None:
    events = EventParser()

    found = [data for piece in in_pieces(stream(*ERROR_CODES), size) for data in events.feed(piece)]

    assert found == EventParser().feed(stream(*ERROR_CODES))
    assert found[-1].strip() == b"[DONE]"


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("size", [1, 4, 1000])
def test_lines_may_end_in_any_of_three_ways(line_end: bytes, size: int) -> None:
    body = (
        b": comment\nevent: delta\nid: 7\ndata: one\n\ndata:two\n\n\ndata: three\ndata: lines\n\nretry: 5\n\n"
    )
    events = EventParser()

    found = [data for piece in in_pieces(body.replace(b"\n", line_end), size) for data in events.feed(piece)]

    assert [data.strip() for data in found + events.end()] == [b"one", b"two", b"three\nlines"]


def test_a_last_event_without_its_empty_line_counts() -> None:
    events = EventParser()
    assert events.feed(b"data: one\n\ndata: tw") == [b"one"]
    assert events.feed(b"o") == []
    assert events.end() == [b"two"]


@pytest.mark.parametrize("piece", [b"data: " + b"x" * 9_994, b"data: " + b"x" * 9_993 + b"\n"])
def test_an_endless_event_is_an_error(piece: bytes) -> None:
    events = EventParser()
    with pytest.raises(ProtocolError):
        for _ in range(MAX_BYTES // len(piece) + 1):
            events.feed(piece)


def test_many_events_are_not_an_endless_event() -> None:
    events = EventParser()
    found = sum(len(events.feed(event("x" * 10_000) * 10)) for _ in range(60))
    assert found == 600


@pytest.mark.parametrize("size", [1, 5, 64])
def test_an_answer_arrives_whole_in_any_pieces(raw: RawServer, ask: Ask, size: int) -> None:
    body = b"".join(map(chunk, in_pieces(stream(*ERROR_CODES), 11))) + END
    raw.next(sends(CHUNKED, *in_pieces(body, size * 8)))

    answer = ask()

    assert (answer.text, answer.finish) == (TEXT, "stop")
    assert answer.response_bytes == len(stream(*ERROR_CODES))


@pytest.mark.parametrize(
    "start",
    [
        head(),  # ends with the connection
        head(Content_Length=str(len(stream(*ERROR_CODES)))),
        head(Connection="close", Content_Length=str(len(stream(*ERROR_CODES)))),
        head(kind="text/plain"),
        head("201 Created", "application/octet-stream"),
    ],
)
def test_a_stream_is_recognized_by_its_content(raw: RawServer, ask: Ask, start: bytes) -> None:
    raw.next(sends(start + stream(*ERROR_CODES), then=hang_up))

    answer = ask()

    assert (answer.text, answer.finish, answer.usage.tokens_in) == (TEXT, "stop", 9)


def test_a_stream_may_leave_out_its_done_and_its_last_line_end(raw: RawServer, ask: Ask) -> None:
    raw.next(sends(head() + event("Whole") + event(finish="length").rstrip(), then=hang_up))

    answer = ask()

    assert (answer.text, answer.finish) == ("Whole", "length")


def test_bytes_after_done_are_ignored(raw: RawServer, ask: Ask) -> None:
    raw.next(sends(CHUNKED + chunk(stream("Done") + event("and more")) + END))

    assert ask().text == "Done"


@pytest.mark.parametrize(
    ("name", "rest"),
    [
        ("ends", END),
        ("vanishes", b""),
        ("vanishes within an event", chunk(event("two")[:-20])),
        ("vanishes within a chunk", chunk(event("two"))[:-30]),
        ("vanishes within a letter", chunk(b"data: " + "ж".encode()[:1])),
        ("sends nonsense", chunk(b"data: {not json}\n\n") + END),
        ("sends another shape", chunk(b'data: {"choices": {"delta": 1}}\n\n') + END),
        ("sends a number", chunk(b"data: 7\n\n") + END),
        ("loses its frame", b"what is this\r\n"),
        ("sends a line without end", chunk(b"data: " + b"x" * 5_000_000) + END),
    ],
)
def test_a_broken_stream_gives_its_text_so_far(
    raw: RawServer, ask: Ask, lines: Lines, name: str, rest: bytes
) -> None:
    raw.next(sends(CHUNKED + chunk(event("One ")) + rest, then=hang_up))

    answer = ask()

    assert (answer.text, answer.finish) == ("One ", "broken"), name
    assert len(raw.requests) == 1, "after text has come nothing is asked again"
    (line,) = lines("ai_error")
    assert (line["severity"], line["kind"], line["status"]) == ("WARNING", "incomplete", 200)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("nothing", CHUNKED + END),
        ("only comments", CHUNKED + chunk(b": PROCESSING\n\n" * 3) + END),
        ("half an event", CHUNKED + chunk(event("One")[:-20])),
        ("half an answer in one piece", head(Content_Length="99") + b'{"choices": [{"mess'),
        ("broken JSON", head(Content_Length="9") + b'{"choices'),
        ("another object", head(Content_Length="11") + b'{"a": null}'),
        ("a page", head(kind="text/html", Content_Length="24") + b"<html>Log in here</html>"),
        ("a huge answer in one piece", head() + b'{"x": "' + b"x" * 5_000_000),
    ],
)
def test_an_empty_answer_is_an_error(raw: RawServer, ask: Ask, name: str, body: bytes) -> None:
    raw.next(sends(body, then=hang_up))

    with pytest.raises(AIError) as caught:
        ask()

    assert type(caught.value) is (AIUnavailable if name == "a page" else AIError), name
    assert len(raw.requests) == 1, "it may have been paid for"
