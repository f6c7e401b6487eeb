"""The first page: the way to the account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.features.account.pages.home import PATH as ACCOUNT
from shared.web.access import Access
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.web.visit import Visit


def show(visit: Visit) -> Response:
    """Lead a user to the account, and offer the login to others."""
    return visit.render("home.html") if visit.session is None else visit.redirect(ACCOUNT)


page = Page("/", show, access=Access.VISITOR)
