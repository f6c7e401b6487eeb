"""Serves the files of the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response
from werkzeug.exceptions import NotFound

from shared.web import assets
from shared.web.page import IMMUTABLE, Page, Policy

if TYPE_CHECKING:
    from shared.web.visit import Visit


def serve(visit: Visit, name: str) -> Response:
    """Return a file."""
    file = assets.find(name)
    if file is None:
        raise NotFound
    is_compressed = visit.request.accept_encodings["gzip"] > 0
    response = Response(file.compressed if is_compressed else file.content, content_type=file.content_type)
    if is_compressed:
        response.content_encoding = "gzip"
    response.vary.add("Accept-Encoding")
    response.set_etag(file.etag, weak=True)
    return response


page = Page("/assets/<string(maxlength=100):name>", serve, Policy(cache=IMMUTABLE))
