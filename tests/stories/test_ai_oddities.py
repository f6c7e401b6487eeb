"""Unusual and failed answers of AI providers: the user gets an answer, a valid key stays in use."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.ai.raw_server import (
    CHUNKED,
    END,
    RawServer,
    Script,
    chunk,
    event,
    hang_up,
    plain,
    sends,
    stream,
)
from tests.stories.test_keys import a_key, add
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

Sql = Callable[..., list[dict[str, Any]]]

REGION = {"error": {"message": "Country, region, or territory not supported", "type": "request_forbidden"}}
WRONG = {"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}}
SCOPES = {"error": {"message": "You have insufficient permissions. Missing scopes: model.request."}}


@pytest.fixture(scope="module")
def raw_server(one_stack: Stack) -> Iterator[RawServer]:
    """A raw HTTP server in place of OpenAI, shared by all tests because a start takes seconds."""
    server = RawServer()
    with one_stack.settings("telegram", OPENAI_BASE_URL=f"{server.url}/v1"):
        yield server
    server.stop()


@pytest.fixture
def provider(raw_server: RawServer) -> RawServer:
    """The raw server, reset before each test."""
    raw_server.forget()
    return raw_server


@pytest.fixture
def anna(stack: Stack) -> Chat:
    return stack.telegram.user("Anna").chat("assistant")


def with_usage(usage: bytes) -> Script:
    body = event("Hello") + event(finish="stop") + b'data: {"choices":[],"usage":%b}\n\n' % usage
    return sends(CHUNKED + chunk(body + b"data: [DONE]\n\n") + END)


@pytest.mark.parametrize(
    ("usage", "tokens_in"),
    [
        (b'{"prompt_tokens":9.5,"completion_tokens":3}', 10),
        (b'{"prompt_tokens":"9","completion_tokens":3}', 9),
        (b'{"prompt_tokens":-1,"completion_tokens":3}', None),
        (b'{"prompt_tokens":4294967295,"completion_tokens":3}', None),
        (b'{"prompt_tokens":NaN,"completion_tokens":3}', None),
        (b'{"prompt_tokens":[9],"completion_tokens":3}', None),
    ],
)
def test_invalid_token_counts_lose_no_answer(
    provider: RawServer, anna: Chat, sql: Sql, usage: bytes, tokens_in: int | None
) -> None:
    provider.next(with_usage(usage))
    anna.send("question")
    assert anna.answer().text == "Hello"
    assert len(provider.requests) == 1
    (row,) = sql(
        "select a.tokens_in, a.tokens_out from api_usage a join users u on u.id = a.user_id "
        "where u.telegram_id = %s",
        anna.id,
    )
    assert row == {"tokens_in": tokens_in, "tokens_out": 3}


@pytest.mark.parametrize(
    ("body", "status", "key_status", "said"),
    [
        (REGION, "403 Forbidden", "ok", "isn’t available right now"),
        (SCOPES, "401 Unauthorized", "ok", "denied the request"),
        (
            b"<html><title>Just a moment...</title></html>",
            "403 Forbidden",
            "ok",
            "isn’t available right now",
        ),
        (WRONG, "401 Unauthorized", "refused", "rejected your key"),
    ],
)
def test_a_user_api_key_is_switched_off_only_when_it_is_wrong(
    provider: RawServer, anna: Chat, sql: Sql, body: Any, status: str, key_status: str, said: str
) -> None:
    add(anna, "OpenAI", a_key("OpenAI"))
    provider.next(plain(body, status))
    anna.send("question")
    assert said in anna.answer().text
    (row,) = sql(
        "select t.status from user_tokens t join users u on u.id = t.user_id where u.telegram_id = %s",
        anna.id,
    )
    assert row["status"] == key_status


def test_reasoning_reaches_neither_the_user_nor_the_next_question(provider: RawServer, anna: Chat) -> None:
    pieces = ("<thi", "nk>secret</th", "ink>\n\nYes ", "\ud83d", "\ude00")
    events = [{"choices": [{"delta": {"content": piece}}]} for piece in pieces]
    body = b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in events)
    provider.next(sends(CHUNKED + chunk(body + b"data: [DONE]\n\n") + END))
    anna.send("question")
    assert anna.answer().text == "Yes 😀"
    anna.send("And now?")
    anna.answer()
    assert "secret" not in json.dumps(provider.requests[-1].body)
    assert provider.requests[-1].body["messages"][2] == {"role": "assistant", "content": "Yes 😀"}


def test_an_answer_that_breaks_off_shows_no_markers(provider: RawServer, anna: Chat) -> None:
    provider.next(sends(CHUNKED + chunk(event("It is **very imp")), then=hang_up))
    anna.send("question")
    answer = anna.answer()
    assert answer.text.startswith("It is very imp…")
    assert "*" not in answer.text
    assert answer.entities == [{"type": "bold", "offset": 6, "length": 8}]


def test_an_organization_that_may_not_stream_is_answered(provider: RawServer, anna: Chat) -> None:
    verify = {
        "message": "Your organization must be verified to stream this model.",
        "param": "stream",
        "code": "unsupported_value",
    }
    whole = {"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}
    provider.next(plain({"error": verify}, "400 Bad Request"), plain(whole))
    anna.send("question")
    assert anna.answer().text == "Hello"


def test_an_invisible_answer_counts_as_empty(provider: RawServer, anna: Chat) -> None:
    provider.next(sends(CHUNKED + chunk(stream("\u200b\u2060")) + END))
    anna.send("question")
    assert "couldn’t answer" in anna.answer().text
