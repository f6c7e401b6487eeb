"""“Log in with Telegram”: OpenID Connect with an authorization code and PKCE.

    core.telegram.org/bots/telegram-login

The provider has no userinfo endpoint: all that it says is in the id_token. It never repeats a nonce in this
flow, so the security rests on `state`, which the page keeps, and on PKCE.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import quote, urlencode

import orjson

from shared.core import http
from shared.web.login import id_token
from shared.web.login.identity import LoginRefused, TelegramIdentity
from shared.web.login.keys import KeySet

_SCOPE = "openid profile telegram:bot_access"  # the last lets the bot write to the user
_TIMEOUT = 10.0  # seconds for the exchange of a code
_MAX_CODE = 2_000  # characters
_ERRORS = frozenset({  # RFC 6749, section 5.2
    "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type",
    "invalid_scope",
})  # fmt: skip


def new_verifier() -> str:
    """Return a new PKCE verifier (RFC 7636): 43 characters."""
    return secrets.token_urlsafe(32)


@dataclass(frozen=True)
class Provider:
    """The provider as one client of it.

    Attributes:
        issuer: its address, https://oauth.telegram.org, without a slash at the end.
        client_id: the id of the bot.
        client_secret: what @BotFather shows under Login Widget.
        redirect_uri: our page, exactly as registered there.
        keys: the issuer's; shared by all that verify its tokens in this process.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    keys: KeySet

    def authorize_url(self, state: str, verifier: str) -> str:
        """Return the address at which the user agrees."""
        challenge = base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        values = {
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "scope": _SCOPE,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{self.issuer}/auth?{urlencode(values)}"

    def exchange(self, code: str, verifier: str) -> TelegramIdentity:
        """Exchange a code for an id_token and return who logged in.

        Raises:
            LoginRefused: the code is refused, or the token is not valid.
            http.RequestError: the provider cannot be reached in time.
        """
        if not code or len(code) > _MAX_CODE:
            raise LoginRefused("no code")
        body = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "client_id": self.client_id,
            "code_verifier": verifier,
        }
        response = http.request(
            "POST",
            f"{self.issuer}/token",
            body=urlencode(body).encode(),
            headers={
                "Authorization": self._credentials(),
                "Content-Type": "application/x-www-form-urlencoded",
                "Accept": "application/json",
            },
            timeout=_TIMEOUT,
        )
        return id_token.check(_token_of(response), self.issuer, self.client_id, self.keys)

    def _credentials(self) -> str:
        """Return the header of client_secret_basic (RFC 6749, section 2.3.1: both are encoded first)."""
        pair = f"{quote(self.client_id, safe='')}:{quote(self.client_secret, safe='')}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _token_of(response: http.Response) -> str:
    """Return the id_token of a response."""
    try:
        found = orjson.loads(response.data)
    except orjson.JSONDecodeError:
        found = None
    values = found if isinstance(found, dict) else {}
    if response.status != 200:
        error = values.get("error")
        known = error if isinstance(error, str) and error in _ERRORS else "an unknown error"
        raise LoginRefused(f"the token endpoint answered {response.status}, {known}")
    token = values.get("id_token")
    if not isinstance(token, str):
        raise LoginRefused("the token endpoint returned no id_token")
    return token
