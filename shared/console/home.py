"""The first page: what can be found here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.web.page import CACHED, Page, Policy

if TYPE_CHECKING:
    from flask import Response

    from shared.web.visit import Visit


def show(visit: Visit) -> Response:
    """Say what these pages are for."""
    return visit.render("home.html")


page = Page("/", show, Policy(cache=CACHED))
