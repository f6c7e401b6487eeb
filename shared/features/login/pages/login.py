"""The page with the ways to log in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.features.login.pages import choice
from shared.web.access import LOGIN, Access
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.web.visit import Visit


def show(visit: Visit) -> Response:
    """Offer the ways to log in."""
    return_to = choice.return_path(visit.request.args.get("to", ""))
    if visit.session is not None:
        return choice.go_back(visit, return_to)
    return choice.offer(visit, return_to)


page = Page(LOGIN, show, access=Access.VISITOR)
