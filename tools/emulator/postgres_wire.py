"""The part of Postgres' protocol (3.0) that shows statements and when their answers are complete.

https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

SSL_REQUEST = 80877103
GSS_REQUEST = 80877104
CANCEL_REQUEST = 80877102
QUERY, PARSE, SYNC, READY = b"Q", b"P", b"S", b"Z"


class Splitter:
    """Cuts a byte stream into messages. A client's stream begins with messages that have no type byte."""

    def __init__(self, startup: bool) -> None:
        self._startup = startup
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Return (type, whole message) of every complete message; a startup message has type b""."""
        self._buffer += data
        while (message := self._next()) is not None:
            yield message

    def _next(self) -> tuple[bytes, bytes] | None:
        prefix = 0 if self._startup else 1
        if len(self._buffer) < prefix + 4:
            return None
        size = prefix + int(struct.unpack_from("!I", self._buffer, prefix)[0])
        if len(self._buffer) < size:
            return None
        message = bytes(self._buffer[:size])
        del self._buffer[:size]
        if self._startup and startup_code(message) not in (SSL_REQUEST, GSS_REQUEST):
            self._startup = False
            return b"", message
        return message[:prefix], message


def startup_code(message: bytes) -> int:
    """Return the protocol version of a startup message, or the code of an SSL, GSS or cancel request."""
    return int(struct.unpack_from("!I", message, 4)[0]) if len(message) >= 8 else 0


def statement(kind: bytes, message: bytes) -> str | None:
    """Return the SQL text of a simple query or of a Parse message; None for other messages."""
    if kind == QUERY:
        return message[5:].rstrip(b"\0").decode("utf-8", "replace")
    if kind == PARSE:
        _, _, rest = message[5:].partition(b"\0")
        return rest.partition(b"\0")[0].decode("utf-8", "replace")
    return None


def ends_batch(kind: bytes) -> bool:
    """Return whether Postgres will answer up to and including this message with one ReadyForQuery."""
    return kind in (b"", QUERY, SYNC)
