"""The signed fields of a query string, as Telegram's two HMAC forms need them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import unquote_plus

from shared.core import clock
from shared.core.signatures import is_signed
from shared.web.login.identity import LoginRefused

_MAX_FIELDS = 40
_NAME = re.compile("[A-Za-z0-9_]{1,64}")
_SECONDS = re.compile("[0-9]{1,12}")
_AHEAD = 60  # seconds that Telegram's clock may be ahead of ours


def parse(query: str, max_length: int) -> dict[str, str]:
    """Return the decoded fields of a query string. It is decoded once, and no field may come twice.

    Raises:
        LoginRefused: it is too long or malformed.
    """
    if len(query) > max_length or query.count("&") >= _MAX_FIELDS:
        raise LoginRefused("too long")
    found: dict[str, str] = {}
    for pair in query.split("&"):
        name, sign, value = pair.partition("=")
        if not sign or not _NAME.fullmatch(name):
            raise LoginRefused("a field is malformed")
        if name in found:
            raise LoginRefused("a field comes twice")
        try:
            found[name] = unquote_plus(value, errors="strict")
        except UnicodeDecodeError:
            raise LoginRefused("a field is not UTF-8") from None
    return found


def verify(fields: Mapping[str, str], secret: bytes, max_age: timedelta) -> None:
    """Verify the hash and the age of fields. All that came are signed, in the order of their names.

    Raises:
        LoginRefused: they are forged or of another bot, older than `max_age`, or from the future.
    """
    lines = sorted(f"{name}={value}" for name, value in fields.items() if name != "hash")
    # The comparison takes the same time for every hash, and the expected one never leaves `is_signed`.
    try:
        message = "\n".join(lines).encode()
    except UnicodeEncodeError:
        raise LoginRefused("a field is not UTF-8") from None
    if not is_signed((fields.get("hash"),), (secret,), message):
        raise LoginRefused("the signature does not match")
    if not _SECONDS.fullmatch(fields.get("auth_date", "")):
        raise LoginRefused("no auth_date")
    age = clock.timestamp() - int(fields["auth_date"])
    if age < -_AHEAD:
        raise LoginRefused("auth_date is in the future")
    if age > max_age.total_seconds():
        raise LoginRefused("too old")
