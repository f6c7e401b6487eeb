"""The Mini App: its shell, and its login, initData for a bearer token.

The shell (`/app/<bot>`) is the only page that Telegram may frame. Its script logs in and shows the other
pages with the token (shared/web/files/mini_app.js).

initData has no nonce and may be accepted for an hour, so it opens one session: the Mini App chooses a secret,
from which the token follows. The same secret gets the same answer, because the first answer may be lost;
another one is refused. Telegram signs new data each time the app is opened.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from pydantic import BaseModel, Field
from werkzeug.exceptions import NotFound, UnsupportedMediaType

from shared.core.config import settings
from shared.core.signatures import hmac_sha256
from shared.features.login.pages import choice, opening
from shared.features.login.pages.opening import Proof
from shared.web import players
from shared.web.access import Access
from shared.web.login import init_data
from shared.web.login.identity import LoginRefused
from shared.web.page import Page, Policy

if TYPE_CHECKING:
    from flask import Response

    from shared.web.visit import Visit

SHELL = "/app"
PATH = "/login/mini_app"
_FRAMED_BY = ("https://web.telegram.org", "https://*.telegram.org")
_WAY = "mini_app"
_STATUS = {"opened": 200, "refused": 401, "replayed": 401, "banned": 403}


class _Opened(BaseModel):
    """What a Mini App sends.

    Attributes:
        bot: the bot that the Mini App belongs to.
        init_data: exactly as Telegram gave it.
        secret: 256 random bits, base64url.
    """

    bot: str = Field(max_length=64)
    init_data: str = Field(max_length=init_data.MAX_LENGTH)
    secret: str = Field(pattern="^[A-Za-z0-9_-]{43}$")


def show(visit: Visit, bot: str) -> Response:
    """Show the shell. `?at=/courses` names the page that it opens first."""
    if bot not in settings().bot_tokens:
        raise NotFound
    visit.allow("img-src", "blob:")  # pictures that need the token
    for directive, origin in players.sources():
        visit.allow(directive, origin)
    return visit.render(
        "login/mini_app.html",
        bot=bot,
        root=visit.root,
        start=choice.return_path(visit.request.args.get("at", "")),
    )


def log_in(visit: Visit) -> Response:
    """Return {outcome, token}: opened, refused (forged or too old), replayed, or banned."""
    if visit.request.mimetype != "application/json":  # a form of another site can send other types
        raise UnsupportedMediaType
    sent = visit.form(_Opened)
    try:
        identity = init_data.check(sent.init_data, settings().bot_tokens.get(sent.bot, ""))
    except LoginRefused as error:
        opening.refused(_WAY, error)
        return _answer(visit, "refused")
    token = base64.urlsafe_b64encode(hmac_sha256(sent.secret, b"mini app")).decode().rstrip("=")
    proof = Proof(dict(parse_qsl(sent.init_data))["hash"], init_data.MAX_AGE)
    outcome = opening.open_session(visit, identity, _WAY, token, proof)
    return _answer(visit, outcome, token if outcome == "opened" else "")


def _answer(visit: Visit, outcome: str, token: str = "") -> Response:
    more = {"token": token} if token else {}
    return visit.json({"outcome": outcome, **more}, _STATUS[outcome])


pages = (
    Page(f"{SHELL}/<string(maxlength=64):bot>", show, Policy(framed_by=_FRAMED_BY, has_scripts=True)),
    Page(PATH, log_in, methods=("POST",), max_body=30_000, access=Access.VISITOR),
)
