"""What is done with secrets, in one place: comparisons in constant time, with rotation; hashes."""

from __future__ import annotations

import hmac
from collections.abc import Iterable


def token_matches(candidate: str | None, secrets: Iterable[str]) -> bool:
    """Whether `candidate` is one of `secrets`.

    Every secret is compared, so the time tells nothing of which one matched. An empty secret never matches:
    a variable left blank must not open the door.
    """
    given = (candidate or "").encode("utf-8", "surrogateescape")
    matches = False
    for secret in secrets:
        matches |= bool(secret) and hmac.compare_digest(given, secret.encode())
    return matches


def person_hash(telegram_id: int, key: str) -> str:
    """Return what remembers a person who was erased: HMAC-SHA256, 64 hexadecimal digits.

    Telegram ids can be counted through, so without a key every hash could be undone in minutes.
    """
    return hmac.digest(key.encode(), b"telegram:%d" % telegram_id, "sha256").hex()


def bearer_token(header: str | None) -> str:
    """Return the token of an `Authorization: Bearer …` header, or an empty string."""
    scheme, _, token = (header or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
