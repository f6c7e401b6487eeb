"""Begins logins, and opens the session of a user that Telegram itself has vouched for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from werkzeug.exceptions import TooManyRequests

from shared.core import client_address, clock, db, log
from shared.core.config import settings
from shared.core.signatures import user_hash
from shared.features.login.pages import choice, device_name
from shared.web import sessions

if TYPE_CHECKING:
    from shared.core.sql_types import LogIn, StartLogin
    from shared.web.login.identity import LoginRefused, TelegramIdentity
    from shared.web.visit import Visit


_LIMITED = {"limited": "login_limited", "busy": "login_busy"}


@dataclass(frozen=True)
class Proof:
    """Signed data that opens one session.

    Attributes:
        signature: of the data.
        lifetime: how long it is accepted; the same data is refused until then.
    """

    signature: str
    lifetime: timedelta


def begin(
    visit: Visit, way: str, public: str, browser: str, seconds: int, verifier: str | None = None
) -> StartLogin:
    """Store a login that a browser begins.

    Args:
        way: bot or telegram.
        public: the secret in the link to the bot, or `state`.
        browser: the secret in the cookie of the browser.
        seconds: how long it may take.
        verifier: of PKCE.

    Raises:
        TooManyRequests: too many logins were begun at this address, or by all visitors.
    """
    started: StartLogin = db.call(
        "start_login",
        p_public_hash=sessions.digest(public),
        p_browser_hash=sessions.digest(browser),
        p_way=way,
        p_verifier=verifier,
        p_return_to=choice.return_path(visit.request.form.get("to", "")),
        p_device=device_name.of(visit.request.user_agent.string),
        p_address_hash=rf"\x{client_address.hashed(visit.request).hex()}",
        p_seconds=seconds,
    )
    if started["outcome"] != "started":
        log.warning("a login was not begun", action="login_limited", way=way, outcome=started["outcome"])
        raise TooManyRequests(_LIMITED[started["outcome"]])
    return started


def open_session(
    visit: Visit, identity: TelegramIdentity, way: str, token: str, proof: Proof | None = None
) -> str:
    """Open a session and return the outcome: opened, banned, or replayed.

    A repeated call with the same token and proof gets the same answer.

    Args:
        way: telegram, mini_app or widget.
        token: of the session; the browser or the Mini App keeps it.
        proof: None where the login itself happens once.
    """
    opened: LogIn = db.call(
        "log_in",
        p_telegram_user={
            "id": identity.telegram_id,
            "hash": user_hash(identity.telegram_id, settings().user_hash_key),
            "first_name": identity.first_name or None,
            "last_name": identity.last_name,
            "username": identity.username,
            "language_code": identity.language_code or visit.language,
        },
        p_token_hash=sessions.digest(token),
        p_way=way,
        p_device=device_name.of(visit.request.user_agent.string),
        p_proof_hash=sessions.digest(proof.signature) if proof else None,
        p_proof_expires_at=(clock.now() + proof.lifetime).isoformat() if proof else None,
    )
    if messages := opened.get("messages"):
        from shared.telegram import outbox  # imports telebot; only admins get messages

        outbox.deliver_outgoing(messages)
    if opened["outcome"] != "opened":
        log.info("a login opened no session", action="login_ended", way=way, outcome=opened["outcome"])
    return opened["outcome"]


def refused(way: str, error: LoginRefused) -> None:
    """Write why a proof was not believed."""
    log.warning("a login was refused", action="login_refused", way=way, reason=str(error))
