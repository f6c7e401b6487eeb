"""The HTTP edge of the console."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from shared.console.routes import PAGES
from shared.web.site import Site

if TYPE_CHECKING:
    from flask import Request, Response

_site = Site(PAGES)


def admits(path: str, headers: Mapping[str, str]) -> bool:
    """Return whether to receive the body of a request: whether its page takes one of this length."""
    return _site.admits(path, headers)


def respond(request: Request) -> Response:
    """Answer one request. Never raises."""
    return _site.respond(request)
