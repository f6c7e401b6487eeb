"""“Log in with Telegram” (core.telegram.org/bots/telegram-login): discovery, /auth, /token and the keys.

A client is a bot: its id, and the secret that @BotFather shows. Codes work once and for a minute, and only
with the verifier of the challenge (PKCE, S256), the same redirect_uri and the client's secret in a Basic
header. No nonce is repeated, and there is no userinfo endpoint.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

from tools.emulator import guard
from tools.emulator.clock import Clock
from tools.emulator.telegram.model import BotAccount
from tools.emulator.telegram.state import TelegramState
from tools.emulator.telegram_login import page
from tools.emulator.telegram_login.tokens import SigningKeys
from tools.emulator.trace import Trace
from tools.emulator.web import Drop, Request, Response, json_response

BASE = "/oauth"
CODE_SECONDS = 60
TOKEN_SECONDS = 3600
_ASKED = (
    "client_id", "redirect_uri", "response_type", "scope", "state", "code_challenge", "code_challenge_method",
)  # fmt: skip


@dataclass(frozen=True)
class Grant:
    """What a code stands for."""

    user: int
    client_id: str
    redirect_uri: str
    challenge: str
    scope: str
    expires_at: float


class LoginServer:
    """`agree` is the user's click, `fail` and `claims` are what a test breaks."""

    def __init__(
        self, base: Callable[[], str], trace: Trace, telegram: TelegramState, clock: Clock | None = None
    ) -> None:
        self._base = base
        self._trace = trace
        self._telegram = telegram
        self._clock = clock or Clock()
        self._lock = threading.Lock()
        self._grants: dict[str, Grant] = {}
        self._faults: list[str] = []
        self.secret = secrets.token_urlsafe(32)
        self.keys = SigningKeys()
        self.claims: dict[str, Any] = {}  # replace those of the next tokens; None leaves one out
        self.requests: list[str] = []  # paths of the requests of the functions

    @property
    def issuer(self) -> str:
        """Return the issuer's address."""
        return self._base() + BASE

    @property
    def redirect_uris(self) -> tuple[str, ...]:
        """Return what is registered with @BotFather."""
        return (f"{self._base()}/console/login/callback",)

    def fail(self, fault: str) -> None:
        """Let the next request for a token or for the keys fail.

        Args:
            fault: "drop" (the connection ends), "page" (a proxy's 502), or an error of RFC 6749.
        """
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Remove faults and other claims."""
        with self._lock:
            self._faults.clear()
            self.claims = {}

    def forget(self) -> None:
        """Clear, and forget codes and requests."""
        self.clear()
        with self._lock:
            self._grants.clear()
            self.requests.clear()

    def stop(self) -> None:
        """Nothing hangs here."""

    def environment(self) -> dict[str, str]:
        """Return the settings that point the functions at this server."""
        return {"TELEGRAM_LOGIN_URL": self.issuer, "TELEGRAM_LOGIN_SECRET": self.secret}

    def addresses(self) -> dict[str, str]:
        """Return the service with its path."""
        return {"Log in with Telegram": BASE}

    def handle(self, request: Request) -> Response | None:
        """Answer a request; None when its path belongs to another server."""
        if not request.path.startswith(BASE + "/"):
            return None
        path = request.path.removeprefix(BASE)
        if path == "/auth":
            return self._authorize(request)
        answers = {
            "/.well-known/openid-configuration": lambda _: json_response(self._discovery()),
            "/.well-known/jwks.json": self._jwks,
            "/token": self._token,
        }
        if path not in answers:
            return json_response({"error": "not_found"}, 404)
        with self._lock:
            self.requests.append(path)
        response = answers[path](request)
        self._trace.add(
            "login_call", f"login {path}", detail={"method": request.method}, status=response.status
        )
        return response

    def agree(self, asked: dict[str, str], user: int) -> str:
        """Let a user agree to what the query of /auth asks; return the address to go back to.

        Raises:
            ValueError: /auth refuses the query.
        """
        self._client(asked)
        code = secrets.token_urlsafe(32)
        with self._lock:
            self._grants[code] = Grant(
                user,
                asked["client_id"],
                asked["redirect_uri"],
                asked.get("code_challenge", ""),
                asked.get("scope", ""),
                self._clock.now() + CODE_SECONDS,
            )
        return _address(asked, code=code)

    def _discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/.well-known/jwks.json",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "EdDSA", "ES256K"],
            "scopes_supported": ["openid", "profile", "phone", "telegram:bot_access"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "code_challenge_methods_supported": ["S256", "plain"],
        }

    def _authorize(self, request: Request) -> Response:
        """Show who may agree, or take the answer of one."""
        is_answer = request.method == "POST"
        fields = dict(
            parse_qsl(request.body.decode() if is_answer else request.query, keep_blank_values=True)
        )
        asked = {name: fields[name] for name in _ASKED if name in fields}
        try:
            bot = self._client(asked)
        except ValueError as error:
            return page.refusal(str(error))
        if not is_answer:
            with self._telegram.lock:
                users = [one for one in self._telegram.users.values() if not one.archived]
            return page.consent(bot, users, asked)
        if (refused := guard.check_page(request)) is not None:
            return refused
        chosen = fields.get("user", "")
        if not chosen.isdecimal() or int(chosen) not in self._telegram.users:
            return Response(303, b"", "text/plain", {"Location": _address(asked, error="access_denied")})
        return Response(303, b"", "text/plain", {"Location": self.agree(asked, int(chosen))})

    def _client(self, asked: dict[str, str]) -> BotAccount:
        """Return the bot of a request for a code; ValueError when it cannot be served."""
        bot = self._bot(asked.get("client_id", ""))
        if bot is None:
            raise ValueError("There is no such bot.")
        if asked.get("redirect_uri") not in self.redirect_uris:
            raise ValueError("This address is not registered with @BotFather.")
        if asked.get("response_type") != "code":
            raise ValueError("response_type must be code.")
        if asked.get("code_challenge_method") != "S256" or len(asked.get("code_challenge", "")) != 43:
            raise ValueError("A code_challenge with S256 is required.")
        return bot

    def _bot(self, client_id: str) -> BotAccount | None:
        with self._telegram.lock:
            bots = self._telegram.bots.values()
            return next((bot for bot in bots if bot.token.partition(":")[0] == client_id), None)

    def _jwks(self, _: Request) -> Response:
        return self._faulty() or json_response(self.keys.public_set())

    def _token(self, request: Request) -> Response:
        if request.method != "POST":
            return json_response({"error": "invalid_request"}, 405)
        if (failed := self._faulty()) is not None:
            return failed
        fields = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        client = self._authenticated(request.headers.get("authorization", ""))
        if client is None:
            return json_response({"error": "invalid_client"}, 401)
        if fields.get("grant_type") != "authorization_code":
            return json_response({"error": "unsupported_grant_type"}, 400)
        with self._lock:
            grant = self._grants.pop(fields.get("code", ""), None)
        if grant is None or not self._fits(grant, client, fields):
            return json_response({"error": "invalid_grant"}, 400)
        return json_response(
            {
                "access_token": secrets.token_urlsafe(32),
                "token_type": "Bearer",
                "expires_in": TOKEN_SECONDS,
                "id_token": self.keys.sign(self._claims_of(grant)),
            }
        )

    def _fits(self, grant: Grant, client: str, fields: dict[str, str]) -> bool:
        digest = hashlib.sha256(fields.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return (
            grant.client_id == client
            and grant.redirect_uri == fields.get("redirect_uri")
            and hmac.compare_digest(grant.challenge, challenge)
            and self._clock.now() <= grant.expires_at
        )

    def _authenticated(self, header: str) -> str | None:
        """Return the client of a Basic header with the right secret."""
        scheme, _, encoded = header.partition(" ")
        try:
            pair = base64.b64decode(encoded, validate=True).decode() if scheme == "Basic" else ""
        except ValueError:
            return None
        client, _, secret = map(unquote, pair.partition(":"))
        known = self._bot(client) is not None
        return client if known and hmac.compare_digest(secret.encode(), self.secret.encode()) else None

    def _claims_of(self, grant: Grant) -> dict[str, Any]:
        user = self._telegram.users[grant.user]
        now = int(self._clock.now())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": grant.client_id,
            # Another number than the Telegram id, and another one for each client.
            "sub": str(int(hashlib.sha256(f"{grant.client_id}:{user.id}".encode()).hexdigest()[:15], 16)),
            "iat": now,
            "exp": now + TOKEN_SECONDS,
        }
        if "profile" in grant.scope.split():
            names = " ".join(filter(None, (user.first_name, user.last_name)))
            claims |= {"id": user.id, "name": names, "preferred_username": user.username}
        changed = claims | self.claims
        return {name: value for name, value in changed.items() if value is not None}

    def _faulty(self) -> Response | None:
        """Return the answer of the next fault, if there is one."""
        with self._lock:
            fault = self._faults.pop(0) if self._faults else None
        if fault == "drop":
            raise Drop
        if fault == "page":
            return Response(502, b"<html>Bad Gateway</html>", "text/html")
        return json_response({"error": fault}, 400) if fault else None


def _address(asked: dict[str, str], **values: str) -> str:
    """Return where the browser goes, with what it brings."""
    return f"{asked['redirect_uri']}?{urlencode(values | {'state': asked.get('state', '')})}"
