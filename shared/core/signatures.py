"""Verify secrets and signatures in constant time, with rotation; hash user ids."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import _Hash

_BLOCK = 64  # block size of SHA-256 in bytes


def token_matches(candidate: str | None, secrets: Iterable[str]) -> bool:
    """Whether `candidate` is one of `secrets`.

    Every secret is compared, so that timing does not reveal which one matched. An empty secret never
    matches: a variable left blank must not grant access.
    """
    given = (candidate or "").encode("utf-8", "surrogatepass")
    matches = False
    for secret in secrets:
        matches |= bool(secret) and hmac.compare_digest(given, secret.encode())
    return matches


def user_hash(telegram_id: int, key: str) -> str:
    """Return what remembers a user who was erased: HMAC-SHA256, 64 hexadecimal digits.

    Telegram ids can be counted through, so without a key every hash could be undone in minutes.
    """
    inner, outer = (half.copy() for half in _halves(key))
    inner.update(b"telegram:%d" % telegram_id)
    outer.update(inner.digest())
    return outer.hexdigest()


@lru_cache(maxsize=1)
def _halves(key: str) -> tuple[_Hash, _Hash]:
    """Return the inner and outer hash of an HMAC (RFC 2104) with the key in them, kept for all updates.

    OpenSSL looks the algorithm up anew for every HMAC, which takes six times as long as the rest.
    """
    secret = key.encode()
    block = (sha256(secret).digest() if len(secret) > _BLOCK else secret).ljust(_BLOCK, b"\0")
    return sha256(bytes(byte ^ 0x36 for byte in block)), sha256(bytes(byte ^ 0x5C for byte in block))


def hmac_sha256(secret: str | bytes, message: bytes) -> bytes:
    """Return the HMAC-SHA256 of `message`."""
    return hmac.digest(secret.encode() if isinstance(secret, str) else secret, message, "sha256")


def is_signed(
    candidates: Iterable[str | None],
    secrets: Iterable[str | bytes],
    message: bytes,
    written: Callable[[bytes], str] = bytes.hex,
) -> bool:
    """Whether one of `candidates` is the HMAC-SHA256 of `message` under one of `secrets`.

    An empty secret signs nothing. `written` encodes the digest as the provider does.
    """
    right = [written(hmac_sha256(secret, message)) for secret in secrets if secret]
    matches = False
    for candidate in candidates:
        matches |= token_matches(candidate, right)
    return matches


def bearer_token(header: str | None) -> str:
    """Return the token of an `Authorization: Bearer …` header, or an empty string."""
    scheme, _, token = (header or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
