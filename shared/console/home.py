"""The first page: the way to the account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.features.account.pages.home import PATH as ACCOUNT
from shared.web.access import Access
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.web.visit import Visit

_COURSES = "/courses"


def show(visit: Visit) -> Response:
    """Lead a user to the account, and offer the login to others."""
    if visit.session is not None:
        return visit.redirect(ACCOUNT)
    return visit.render("home.html", courses=_COURSES if visit.offers(_COURSES) else "")


page = Page("/", show, access=Access.VISITOR)
