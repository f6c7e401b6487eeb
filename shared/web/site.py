"""Finds the page of a request and answers it: limits, errors, compression, validators, security headers."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from flask import Response
from werkzeug.exceptions import (
    Forbidden,
    HTTPException,
    RequestEntityTooLarge,
    RequestURITooLarge,
    ServiceUnavailable,
    Unauthorized,
    UnprocessableEntity,
)
from werkzeug.routing import Map, Rule

from shared.core import health, log
from shared.core.config import settings
from shared.core.errors import ConfigError, DatabaseUnavailable, Refusal
from shared.web import csrf, errors, language, security, sessions
from shared.web.access import LOGIN, Access, allows, is_always_open
from shared.web.page import NO_STORE, Page, Policy
from shared.web.visit import Visit

if TYPE_CHECKING:
    from flask import Request

MAX_URL = 2_000  # characters of path and query
_WORTH_COMPRESSING = 1_000  # bytes
# Refusals of SQL (docs/error_codes.md) that what a user sends can cause: a value is invalid, or the reference
# of the form was used with another one.
_INVALID = frozenset(
    {"I0002", "J0002", "N0002", "N0003", "N0004", "S0001", "V0002", "W0002", "W0003", "Z0002", "Z0006"}
)
# The role of a member of the staff does not allow it, or has been taken since the session was found.
_FORBIDDEN = frozenset({"N0001", "N0009"})
_NOT_FOUND = "I0001"  # what the form is about is gone
_LAST_RESORT = "Something went wrong. Try again later.\nЧто-то пошло не так. Попробуйте позже.\n"


class Site:
    """The pages at one address."""

    def __init__(self, pages: Sequence[Page]) -> None:
        """Build the table of routes. No two pages have the same path and method."""
        rules = [Rule(page.path, endpoint=page, methods=page.methods) for page in pages]
        # No redirects: an address is right or wrong.
        self._map = Map(rules, merge_slashes=False, redirect_defaults=False)
        self._routes = self._map.bind("console")
        self._pages = tuple(pages)

    def admits(self, path: str, headers: Mapping[str, str]) -> bool:
        """Return whether to receive the body of a POST: whether its page takes one of this length."""
        try:
            page, _ = self._routes.match(Visit.below_the_function(path), "POST")
        except HTTPException:
            return False
        length = headers.get("content-length", "")
        return length.isdecimal() and len(length) < 10 and int(length) <= page.max_body

    def respond(self, request: Request) -> Response:
        """Answer one request. Never raises."""
        log.start_trace(request.headers)
        if (answer := health.respond(request)) is not None:
            return Response(*answer)
        try:
            visit = Visit(request, self._pages)
            response, policy = self._answer(visit)
            allowed = tuple(visit.allowed)
        except Exception as error:  # in an error page: a text of the owner does not fit
            log.alert("a page failed", action="page_failed", page="error", error=str(error))
            response, policy = Response(_LAST_RESORT, 500, content_type="text/plain; charset=utf-8"), Policy()
            allowed = ()
        return _finished(response, policy, allowed, request)

    def _answer(self, visit: Visit) -> tuple[Response, Policy]:
        """Return the page of a request or of its error, and the policy of that page."""
        page = None
        try:
            settings()  # a wrong setting is an error of every page, so that a deployment sees it
            page, values = self._find(visit)
            return _enter(visit, page) or page.show(visit, **values), page.policy
        except Unauthorized as error:
            response = _ended(visit) or errors.respond(visit, error)
        except HTTPException as error:
            response = errors.respond(visit, error)
        except ConfigError as error:
            log.alert(f"a setting is wrong: {error}", action="config_error")
            response = errors.respond(visit, 503)
        except DatabaseUnavailable:
            response = errors.respond(visit, 503)
        except Exception as error:
            response = _failed(visit, page, error)
        return response, page.policy if page else Policy()

    def _find(self, visit: Visit) -> tuple[Page, Mapping[str, str]]:
        """Return the page of a request and the values in its path.

        Raises:
            HTTPException: there is none, it takes no such method, or the request is too large.
        """
        request = visit.request
        if len(request.full_path) > MAX_URL:
            raise RequestURITooLarge
        page, values = self._routes.match(visit.path, request.method)
        is_unmeasured = request.content_length is None and "Transfer-Encoding" in request.headers
        if is_unmeasured or (request.content_length or 0) > page.max_body:
            raise RequestEntityTooLarge
        return page, values


def _enter(visit: Visit, page: Page) -> Response | None:
    """Let a visitor in who may open the page; return the way to the login for others.

    Raises:
        HTTPException: the visitor may not do this here.
        DatabaseUnavailable: the session cannot be looked up.
    """
    request = visit.request
    if page.access is not Access.ANYONE:
        visit.enter(sessions.find(request))
    if page.access not in (Access.ANYONE, Access.VISITOR):
        user = visit.session
        if user is None:
            return _to_login(visit)
        if user.gate == "maintenance" and not is_always_open(page.path):
            raise ServiceUnavailable("web_gate_maintenance")
        if user.gate and not is_always_open(page.path):
            raise Forbidden(f"web_gate_{user.gate}")
        if not allows(page.access, role=user.role, is_paid=user.is_paid):
            raise Forbidden
    if not visit.is_reading and not page.for_servers:
        csrf.check(request, visit.session)
    return None


def _failed(visit: Visit, page: Page | None, error: Exception) -> Response:
    """Return the page of an error that a handler did not expect. Alerts, unless a user can cause it."""
    code = error.sqlstate if isinstance(error, Refusal) else ""
    # The path may hold a secret; its rule does not.
    rule = page.path if page else ""
    if code in _INVALID:
        log.warning("a form was refused", action="page_refused", page=rule, sqlstate=code, error=str(error))
        return errors.respond(visit, UnprocessableEntity("web_error_fields"))
    if (response := _ended(visit)) is not None:
        log.warning("a session ended in the middle of a request", action="session_ended", page=rule)
        return response
    if code in _FORBIDDEN:
        log.warning("a role does not allow this", action="page_refused", page=rule, sqlstate=code)
        return errors.respond(visit, 403)
    if code == _NOT_FOUND:
        return errors.respond(visit, 404)
    log.alert("a page failed", action="page_failed", page=rule, error=str(error))
    return errors.respond(visit, 500)


def _ended(visit: Visit) -> Response | None:
    """Return the way to the login if the session of a request has ended since it began.

    With it the user may be gone, so the rest of the request found nothing: an erasure, a ban, a logout.
    """
    try:
        if visit.session is None or sessions.find(visit.request) is not None:
            return None
    except DatabaseUnavailable:
        return None
    visit.enter(None)
    return _to_login(visit)


def _to_login(visit: Visit) -> Response:
    """Return the way to the login and back; a form or a script gets a page that leads there."""
    if not visit.is_reading or visit.wants_json:
        return errors.respond(visit, 401)
    return visit.redirect(LOGIN, to=visit.below_the_function(visit.request.full_path.rstrip("?")))


def _finished(
    response: Response, policy: Policy, allowed: tuple[tuple[str, str], ...], request: Request
) -> Response:
    """Add headers and validators to a response, and compress a page."""
    is_cached = response.status_code == 200 and policy.cache != NO_STORE
    response.headers.update(security.headers(policy, allowed))
    response.headers["Cache-Control"] = policy.cache if is_cached else NO_STORE
    if response.mimetype == "text/html":
        response.vary.update(("Accept-Encoding", "Accept-Language"))
        if is_cached:
            response.vary.add("Cookie")
            response.add_etag(weak=True)
        else:
            language.keep(request, response)
        _compress(response, request)
    if is_cached:
        response.make_conditional(request)
    return response


def _compress(response: Response, request: Request) -> None:
    """Compress a page. One that shows a secret beside what its address says would leak the secret."""
    content = response.get_data()
    if len(content) > _WORTH_COMPRESSING and request.accept_encodings["gzip"] > 0:
        response.set_data(gzip.compress(content, 6, mtime=0))
        response.content_encoding = "gzip"
