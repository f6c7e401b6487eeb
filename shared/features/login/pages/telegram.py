"""“Log in with Telegram” (OpenID Connect): away to Telegram, and back with a code."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from werkzeug.exceptions import NotFound, ServiceUnavailable

from shared.core import db, http, log
from shared.core.config import settings
from shared.features.common import console_bot
from shared.features.login.pages import choice, opening
from shared.web import cookies, sessions
from shared.web.access import Access
from shared.web.login.identity import LoginRefused
from shared.web.login.keys import KeySet
from shared.web.login.oidc import Provider, new_verifier
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.core.sql_types import ClaimRedirect
    from shared.web.visit import Visit

CALLBACK = "/login/callback"  # registered with @BotFather
SECONDS = 600  # that a login at Telegram may take
_WAY = "telegram"
_COOKIE = "telegram_login"


def begin(visit: Visit) -> Response:
    """Send the browser to Telegram.

    Raises:
        NotFound: "Log in with Telegram" is not set up.
        TooManyRequests: too many logins were begun at this address.
    """
    if not choice.has_telegram_login():
        raise NotFound
    state, browser, verifier = sessions.new_token(), sessions.new_token(), new_verifier()
    opening.begin(visit, _WAY, state, browser, SECONDS, verifier)
    address = _provider().authorize_url(state, verifier)
    response = visit.leave(address)
    cookies.write(response, _COOKIE, browser, SECONDS)
    return response


def finish(visit: Visit) -> Response:
    """Log the browser in that comes back from Telegram.

    Only the browser that began the login has the partner of `state` in its cookie, so a link of another
    user logs no browser in; and the login is claimed before Telegram is asked, so it works once.

    Raises:
        ServiceUnavailable: Telegram cannot be reached.
    """
    arguments = visit.request.args
    browser = cookies.read(visit.request, _COOKIE)
    claimed: ClaimRedirect = db.call(
        "claim_redirect",
        p_public_hash=sessions.digest(arguments.get("state", "")),
        p_browser_hash=sessions.digest(browser),
    )
    if claimed["outcome"] != "claimed" or not choice.has_telegram_login():
        return choice.offer(visit, failure="login_expired")
    response = _log_in(visit, arguments.get("code", ""), claimed["verifier"], claimed["return_to"])
    cookies.delete(response, _COOKIE)
    return response


def _log_in(visit: Visit, code: str, verifier: str, return_to: str) -> Response:
    """Exchange the code and open the session."""
    if "error" in visit.request.args:  # access_denied: the user declined
        return choice.offer(visit, return_to, "login_refused")
    try:
        identity = _provider().exchange(code, verifier)
    except LoginRefused as error:
        opening.refused(_WAY, error)
        return choice.offer(visit, return_to, "login_not_confirmed")
    except http.RequestError as error:
        log.warning("Telegram did not answer a login", action="login_unreachable", reason=str(error))
        raise ServiceUnavailable("login_unreachable") from None
    token = sessions.new_token()
    outcome = opening.open_session(visit, identity, _WAY, token)
    if outcome != "opened":
        return choice.offer(visit, return_to, "login_banned")
    response = choice.go_back(visit, return_to)
    cookies.write(response, sessions.COOKIE, token)
    return response


def _provider() -> Provider:
    return Provider(
        settings().telegram_login_url,
        settings().bot_token(console_bot.name()).partition(":")[0],
        settings().telegram_login_secret,
        settings().console_url + CALLBACK,
        _keys(settings().telegram_login_url),
    )


@lru_cache(maxsize=1)
def _keys(issuer: str) -> KeySet:
    return KeySet(issuer)


pages = (
    Page("/login/telegram", begin, methods=("POST",), max_body=2_000, access=Access.VISITOR),
    Page(CALLBACK, finish, access=Access.VISITOR),
)
