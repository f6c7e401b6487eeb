"""The login through the bot: the number on the page, chosen in the chat."""

from __future__ import annotations

import base64
import re
import secrets
from typing import TYPE_CHECKING

from werkzeug.exceptions import ServiceUnavailable

from shared.core import db
from shared.core.errors import TelegramError
from shared.core.signatures import hmac_sha256
from shared.features.common import console_bot
from shared.features.login.pages import choice, opening
from shared.web import cookies, sessions
from shared.web.access import LOGIN, Access
from shared.web.page import Page, Policy

if TYPE_CHECKING:
    from flask import Response

    from shared.core.sql_types import FinishLogin
    from shared.web.visit import Visit

SECONDS = 300  # that a login through the bot may take
_COOKIE = "login"
_START = "login_"
# The token of the link, the secret of the browser, the number on the page.
_STATE = re.compile("([A-Za-z0-9_-]{22})[.]([A-Za-z0-9_-]{43})[.]([0-9]{2})")
_ENDED = {"expired": "login_expired", "refused": "login_refused", "used": "login_expired",
          "unknown": "login_expired", "banned": "login_banned"}  # fmt: skip


def begin(visit: Visit) -> Response:
    """Begin a login through the bot, and show the number and the link.

    Raises:
        TooManyRequests: too many logins were begun at this address.
        ServiceUnavailable: the bot's name cannot be read.
    """
    token, browser = secrets.token_urlsafe(16), sessions.new_token()
    started = opening.begin(visit, "bot", token, browser, SECONDS)
    response = visit.redirect(f"{LOGIN}/bot")
    cookies.write(response, _COOKIE, f"{token}.{browser}.{started['code']}", SECONDS)
    return response


def wait(visit: Visit) -> Response:
    """Show the number and the link of the login that this browser has begun."""
    state = _state(visit)
    if state is None:
        return visit.redirect(LOGIN)
    token, _, code = state
    try:
        link = console_bot.link(_START + token)
    except TelegramError:
        raise ServiceUnavailable from None
    return visit.render("login/bot.html", code=code, link=link, command=f"/start {_START}{token}")


def finish(visit: Visit) -> Response:
    """Log the browser in, once the user has confirmed it in the chat.

    A repeated request gets the same session, because its token follows from the secret of the browser: the
    answer to the first one may be lost.
    """
    state = _state(visit)
    if state is None:
        return _answer(visit, "expired")
    browser = state[1]
    session = base64.urlsafe_b64encode(hmac_sha256(browser, b"session")).decode().rstrip("=")
    finished: FinishLogin = db.call(
        "finish_login", p_browser_hash=sessions.digest(browser), p_token_hash=sessions.digest(session)
    )
    if finished["outcome"] != "opened":
        return _answer(visit, finished["outcome"])
    if messages := finished["messages"]:
        from shared.telegram import outbox  # imports telebot; only admins get messages

        outbox.deliver_outgoing(messages)
    response = (
        visit.json({"outcome": "opened", "to": choice.return_url(visit, finished["return_to"])})
        if visit.wants_json
        else choice.go_back(visit, finished["return_to"])
    )
    cookies.write(response, sessions.COOKIE, session)
    cookies.delete(response, _COOKIE)
    return response


def _answer(visit: Visit, outcome: str) -> Response:
    """Answer a browser that is not logged in: the script goes on asking, a form comes back to its page."""
    if visit.wants_json:
        return visit.json({"outcome": outcome, "to": visit.url(LOGIN)})
    if outcome == "waiting":
        return visit.redirect(f"{LOGIN}/bot", "login_waiting_notice")
    return choice.offer(visit, failure=_ENDED[outcome])


def _state(visit: Visit) -> tuple[str, str, str] | None:
    """Return token, secret and number of the login that this browser has begun."""
    found = _STATE.fullmatch(cookies.read(visit.request, _COOKIE))
    return (found[1], found[2], found[3]) if found else None


_FORM = 2_000  # bytes
_WITH_SCRIPT = Policy(has_scripts=True)

pages = (
    Page("/login/bot", wait, _WITH_SCRIPT, access=Access.VISITOR),
    Page("/login/begin", begin, methods=("POST",), max_body=_FORM, access=Access.VISITOR),
    Page("/login/status", finish, methods=("POST",), max_body=_FORM, access=Access.VISITOR),
)
