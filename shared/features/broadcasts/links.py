"""Links that count clicks: an address of the console that leads on to the address of a button.

The token in it names the message, the recipient and the button, and is signed, so that clicks of others
cannot be counted. The address that it leads to comes from the database, never from the token.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from struct import Struct, error
from typing import NamedTuple

from shared.core.config import settings
from shared.core.signatures import hmac_sha256

PATH = "/go"
LENGTH = 36  # characters of a token
_FIELDS = Struct(">QQB")
_MARK = 10  # bytes of the signature


class Click(NamedTuple):
    """What a token names."""

    broadcast_id: int
    user_id: int
    button: int


def token(click: Click) -> str:
    """Return the signed token of a click."""
    fields = _FIELDS.pack(*click)
    return base64.urlsafe_b64encode(fields + _signature(fields)).decode().rstrip("=")


def read(written: str) -> Click | None:
    """Return what a token names; None if it is not ours."""
    try:
        data = base64.b64decode(written + "=" * (-len(written) % 4), altchars=b"-_", validate=True)
        fields, mark = data[: _FIELDS.size], data[_FIELDS.size :]
        found = Click(*_FIELDS.unpack(fields))
    except (binascii.Error, ValueError, error):
        return None
    return found if hmac.compare_digest(mark, _signature(fields)) else None


def address(click: Click, target: str) -> str:
    """Return the address of a button: the one that counts, or without a console the target itself."""
    base = settings().console_url.rstrip("/")
    return f"{base}{PATH}/{token(click)}" if base else target


def _signature(fields: bytes) -> bytes:
    return hmac_sha256(settings().user_hash_key, b"broadcast:" + fields)[:_MARK]
