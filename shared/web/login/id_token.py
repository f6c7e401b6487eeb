"""Verifies an id_token of "Log in with Telegram" (core.telegram.org/bots/telegram-login)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

import orjson

from shared.core import clock, log
from shared.web.login.identity import LoginRefused, TelegramIdentity, identity

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject
    from shared.web.login.keys import KeySet

# ES256K, which @BotFather also offers, is left out: few libraries know its curve.
ALGORITHMS = ("RS256", "ES256", "EdDSA")
MAX_LENGTH = 8_000  # characters
_MAX_AGE = 600  # seconds since the token was issued
_LEEWAY = 60  # seconds that the clocks may differ


def check(token: str, issuer: str, client_id: str, keys: KeySet) -> TelegramIdentity:
    """Return who logged in.

    The claim `id` is the Telegram id. `sub` is another number for each client and is never used instead.

    Raises:
        LoginRefused: the token is forged, malformed, of another issuer or client, or too old, or has no `id`.
    """
    claims = _verified(token, keys)
    if claims.get("iss") != issuer:
        raise LoginRefused("the token is of another issuer")
    audience = claims.get("aud")
    if [str(one) for one in (audience if isinstance(audience, list) else [audience])] != [client_id]:
        raise LoginRefused("the token is for another client")
    if claims.get("nonce"):  # we ask for none, so another login has asked
        raise LoginRefused("the token belongs to another login")
    _check_times(claims)
    if "id" not in claims:
        log.warning("an id_token has no id", action="login_without_id", claims=",".join(sorted(claims))[:300])
        raise LoginRefused("the token has no claim id")
    return identity(
        claims["id"],
        {
            "first_name": claims.get("given_name") or claims.get("name"),
            "last_name": claims.get("family_name"),
            "username": claims.get("preferred_username"),
            "language_code": claims.get("locale"),
        },
    )


def _verified(token: str, keys: KeySet) -> JsonObject:
    """Return the claims of a token whose signature is right."""
    from jwt import PyJWS, get_unverified_header
    from jwt.exceptions import PyJWTError

    if len(token) > MAX_LENGTH:
        raise LoginRefused("too long")
    try:
        header = get_unverified_header(token)
        algorithm, key_id = header.get("alg"), header.get("kid")
        if algorithm not in ALGORITHMS or not isinstance(key_id, str):
            raise LoginRefused("the token names no algorithm of ours or no key")
        # The key decides about the algorithm; the token must name the same.
        payload = PyJWS().decode(token, keys.find(key_id), algorithms=[algorithm])
        claims = orjson.loads(payload)
    except (PyJWTError, orjson.JSONDecodeError, UnicodeError) as error:
        raise LoginRefused(f"the token cannot be verified: {type(error).__name__}") from None
    if not isinstance(claims, dict):
        raise LoginRefused("the token holds no claims")
    return claims


def _check_times(claims: JsonObject) -> None:
    now = clock.timestamp()
    issued, expires = claims.get("iat"), claims.get("exp")
    if not _is_number(issued) or not _is_number(expires):
        raise LoginRefused("the token has no times")
    if now > expires + _LEEWAY or now > issued + _MAX_AGE + _LEEWAY:
        raise LoginRefused("too old")
    if issued > now + _LEEWAY:
        raise LoginRefused("the token is from the future")


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
