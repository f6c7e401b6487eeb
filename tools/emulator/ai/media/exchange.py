"""One request to a fake media provider: what it carries, and answers that a script replaces."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tools.emulator.web import Request, Response, json_response

Json = dict[str, Any]
_PART = re.compile(rb'name="([^"]+)"(?:; filename="([^"]*)")?')


class Rejected(Exception):
    """The request is answered with an error; `response` has the provider's form."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def body_of(request: Request) -> Json | None:
    """Return the JSON object of a request, None when it is none."""
    try:
        body = request.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def form_of(request: Request) -> list[tuple[str, str, bytes]]:
    """Return the parts of a form: name, file name and content (RFC 7578)."""
    boundary = request.headers.get("content-type", "").partition("boundary=")[2].encode()
    parts = []
    for part in request.body.split(b"--" + boundary)[1:-1] if boundary else []:
        head, _, content = part.strip(b"\r\n").partition(b"\r\n\r\n")
        if found := _PART.search(head):
            parts.append((found[1].decode(), (found[2] or b"").decode(), content))
    return parts


def bearer(request: Request) -> str:
    """Return the key of an Authorization header."""
    return request.headers.get("authorization", "").removeprefix("Bearer ").strip()


def first_unknown(body: Mapping[str, object], known: Iterable[str]) -> str | None:
    """Return the first field that is not known."""
    names = frozenset(known)
    return next((name for name in body if name not in names), None)


def raw(status: int, body: object, headers: Mapping[str, str]) -> Response:
    """Return a scripted answer: bytes as they are, anything else as JSON."""
    if isinstance(body, bytes):
        return Response(status, body, headers=dict(headers))
    return json_response(body, status, dict(headers))
