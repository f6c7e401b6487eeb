"""Tokens of signed URLs: JWTs that name an object and end by themselves."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

from tools.emulator.supabase_storage.refusals import Refused


def sign(target: str, expires_at: float, secret: bytes) -> str:
    """Return a token for an object, `<bucket>/<key>`."""
    claims = {"url": target, "exp": int(expires_at)}
    parts = (json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    signed = ".".join(_encode(part) for part in parts)
    return f"{signed}.{_signature(signed, secret)}"


def check(token: str, target: str, now: float, secret: bytes) -> None:
    """Accept a token.

    Raises:
        Refused: it is forged, for another object, or expired.
    """
    signed, _, signature = token.rpartition(".")
    if not signed or not hmac.compare_digest(_signature(signed, secret), signature):
        raise Refused("InvalidSignature")
    payload = signed.partition(".")[2]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    if claims["url"] != target:
        raise Refused("InvalidSignature")
    if claims["exp"] <= now:
        raise Refused("ExpiredToken")


def _signature(signed: str, secret: bytes) -> str:
    return _encode(hmac.new(secret, signed.encode(), hashlib.sha256).digest())


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
