"""Requests of a browser to the console function, past the gateway, which would change odd paths."""

from __future__ import annotations

import gzip
import http.client
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from typing import TYPE_CHECKING

import pytest

from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

if TYPE_CHECKING:
    from tests.web.visitor import Visitor


@dataclass(frozen=True)
class Answer:
    """A response, its body decompressed. `size`: bytes that were sent."""

    status: int
    headers: Message
    body: str
    size: int


Get = Callable[..., Answer]


def request(
    port: int,
    path: str,
    method: str = "GET",
    body: bytes | None = None,
    *,
    is_text: bool = True,
    **headers: str,
) -> Answer:
    """Send one request; `Accept_Language` becomes Accept-Language."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.putrequest(method, path, skip_host=False, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        content = answer.read()
        size = len(content)
        if answer.headers["Content-Encoding"] == "gzip" and content:
            content = gzip.decompress(content)
        return Answer(answer.status, answer.headers, content.decode() if is_text else "", size)
    finally:
        connection.close()


@pytest.fixture
def get(stack: Stack) -> Get:
    """Request a page: `get("/", Accept_Language="ru")`."""

    def get(path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        return request(stack.function("console").port, path, method, body, **headers)

    return get


@pytest.fixture
def anna(stack: Stack) -> Chat:
    """The private chat of a user who speaks English."""
    return stack.telegram.user("Anna", language_code="en").chat("assistant")


@pytest.fixture
def browser(stack: Stack, anna: Chat) -> Visitor:
    """A browser in which Anna is logged in."""
    from tests.web.visitor import Visitor  # imports this module

    found = Visitor(stack)
    found.log_in(anna)
    return found
