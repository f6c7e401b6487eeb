"""Errors as pages that a visitor understands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.exceptions import HTTPException, MethodNotAllowed

from shared.core import texts
from shared.web.access import LOGIN

if TYPE_CHECKING:
    from flask import Response

    from shared.web.visit import Visit

RETRY_SECONDS = 30
_RETRIED = (429, 500, 503)  # the same request may work later


def respond(visit: Visit, error: HTTPException | int) -> Response:
    """Return the page of an error: a status, or an exception whose description may be the key of a text."""
    status = error if isinstance(error, int) else error.code or 500
    kind = status if texts.has(visit.language, f"web_error_{status}") else 400
    own = (error.description or "") if isinstance(error, HTTPException) else ""
    response = visit.render(
        "error.html",
        status,
        code=status,
        title=visit.text(f"web_error_{kind}"),
        about=visit.text(own if texts.has(visit.language, own) else f"web_error_{kind}_about"),
        is_retried=status in _RETRIED,
        back=visit.form_page,
        login=_login(visit),
    )
    if status in (429, 503):
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    if isinstance(error, MethodNotAllowed):
        response.allow.update(error.valid_methods or ())
    return response


def _login(visit: Visit) -> str:
    """Return the address of the login, which leads back to the page of the form that was sent."""
    page = visit.below_the_function(visit.form_page)
    return visit.url(LOGIN, to=page) if visit.form_page else visit.url(LOGIN)
