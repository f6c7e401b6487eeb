"""The page that offers the ways to log in, and what all of them have in common."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from shared.core.config import settings
from shared.web import addresses

if TYPE_CHECKING:
    from flask import Response

    from shared.web.visit import Visit

AFTER_LOGIN = "/account"
_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20]{0,499}")


def offer(visit: Visit, return_to: str = AFTER_LOGIN, failure: str = "", status: int = 200) -> Response:
    """Return the page with the ways to log in.

    Args:
        failure: the key of a text that says why the last try failed.
    """
    if has_telegram := has_telegram_login():
        # A form that leads to another site needs its permission; browsers check redirects too.
        visit.allow("form-action", addresses.origin(settings().telegram_login_url))
    return visit.render(
        "login/page.html",
        status,
        return_to=return_to,
        failure=visit.text(failure) if failure else "",
        has_telegram=has_telegram,
    )


def has_telegram_login() -> bool:
    """Return whether "Log in with Telegram" is set up."""
    return bool(settings().telegram_login_secret and settings().console_url)


def return_path(wanted: str) -> str:
    """Return a path of ours; anything else becomes the first page."""
    return wanted if _PATH.fullmatch(wanted) else AFTER_LOGIN


def return_url(visit: Visit, return_to: str) -> str:
    """Return the address of the page that the user wanted, with its query."""
    path, _, query = return_to.partition("?")
    return visit.url(path, **dict(parse_qsl(query)))


def go_back(visit: Visit, return_to: str) -> Response:
    """Return the way to the page that the user wanted."""
    path, _, query = return_to.partition("?")
    return visit.redirect(path, **dict(parse_qsl(query)))
