"""Logs a browser out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core import db
from shared.web import cookies, sessions
from shared.web.access import LOGIN, Access
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.web.visit import Visit


def log_out(visit: Visit) -> Response:
    """End this session."""
    user = visit.user
    db.call("end_user_sessions", p_user_id=user.user_id, p_session_id=user.id, p_except=None)
    response = visit.redirect(LOGIN, "login_logged_out_notice")
    cookies.delete(response, sessions.COOKIE)
    return response


page = Page("/logout", log_out, methods=("POST",), max_body=2_000, access=Access.USER)
