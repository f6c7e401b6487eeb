"""The return address of the Login Widget, which Telegram calls legacy: its `data-auth-url`.

The widget has no `state`, so anyone could send a link with their own signed fields. Therefore the link only
asks, with the name of the account, and the button of that page logs in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from pydantic import BaseModel, Field

from shared.core.config import settings
from shared.features.common import console_bot
from shared.features.login.pages import choice, opening
from shared.features.login.pages.opening import Proof
from shared.web import cookies, sessions
from shared.web.access import Access
from shared.web.login import widget
from shared.web.login.identity import LoginRefused
from shared.web.page import Page, Policy

if TYPE_CHECKING:
    from flask import Response

    from shared.web.login.identity import TelegramIdentity
    from shared.web.visit import Visit

_WAY = "widget"
PATH = "/login/widget"
CONFIRM = f"{PATH}/confirm"


class _Form(BaseModel):
    """The fields of the widget, as they came."""

    query: str = Field(max_length=widget.MAX_LENGTH)


def ask(visit: Visit) -> Response:
    """Ask whether to log in as the account of the widget."""
    query = visit.request.query_string.decode("ascii", "replace")
    identity = _check(query)
    if identity is None:
        return choice.offer(visit, failure="login_not_confirmed")
    names = " ".join(filter(None, (identity.first_name, identity.last_name)))
    return visit.render("login/widget.html", query=query, account=names or f"@{identity.username}")


def finish(visit: Visit) -> Response:
    """Log the browser in. The same fields work once."""
    query = visit.form(_Form).query
    identity = _check(query)
    if identity is None:
        return choice.offer(visit, failure="login_not_confirmed")
    token = sessions.new_token()
    proof = Proof(dict(parse_qsl(query))["hash"], widget.MAX_AGE)
    outcome = opening.open_session(visit, identity, _WAY, token, proof)
    if outcome != "opened":
        return choice.offer(visit, failure="login_banned" if outcome == "banned" else "login_expired")
    response = visit.redirect(choice.AFTER_LOGIN)
    cookies.write(response, sessions.COOKIE, token)
    return response


def _check(query: str) -> TelegramIdentity | None:
    try:
        return widget.check(query, settings().bot_token(console_bot.name()))
    except LoginRefused as error:
        opening.refused(_WAY, error)
        return None


# The address holds what logs in, so no other site may learn it. With no-referrer, browsers would send the
# form with `Origin: null`.
_POLICY = Policy(referrer="same-origin")

pages = (
    Page(PATH, ask, _POLICY, access=Access.VISITOR),
    Page(CONFIRM, finish, _POLICY, methods=("POST",), max_body=3 * widget.MAX_LENGTH, access=Access.VISITOR),
)
