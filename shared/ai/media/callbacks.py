"""Verify the callbacks of media providers, and read which job they name."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable

import orjson

from shared.ai.media.contract import InvalidCallback
from shared.core import clock
from shared.core.json_types import JsonObject
from shared.core.signatures import is_signed

MAX_AGE = 300  # seconds; also how far a provider's clock may be ahead
_MAX_TIME = 12  # digits of a timestamp


def check_time(timestamp: str) -> None:
    """Accept a Unix time of the last MAX_AGE seconds.

    Raises:
        InvalidCallback: it is no number, or too old.
    """
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= _MAX_TIME):
        raise InvalidCallback("the callback has no time")
    if abs(clock.timestamp() - int(timestamp)) > MAX_AGE:
        raise InvalidCallback("the callback is too old")


def check_signature(
    candidates: Iterable[str], secrets: Iterable[str | bytes], message: bytes, written: Callable[[bytes], str]
) -> None:
    """Accept a message that one of the secrets signed (HMAC-SHA256).

    Raises:
        InvalidCallback: none of the candidates is its signature.
    """
    if not is_signed(candidates, secrets, message, written):
        raise InvalidCallback("the callback's signature is wrong or missing")


def in_base64(digest: bytes) -> str:
    """Return a digest as base64."""
    return base64.b64encode(digest).decode()


def standard_webhook_keys(secrets: Iterable[str]) -> list[bytes]:
    """Return the keys of Standard Webhooks secrets (`whsec_` and base64); malformed ones are left out."""
    keys = []
    for secret in secrets:
        try:
            keys.append(base64.b64decode(secret.removeprefix("whsec_"), validate=True))
        except (binascii.Error, ValueError):
            continue
    return keys


def parse(body: bytes) -> JsonObject:
    """Return a callback's JSON object.

    Raises:
        InvalidCallback: it is none.
    """
    try:
        found = orjson.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InvalidCallback("the callback is no JSON object")
    return found
