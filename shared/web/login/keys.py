"""The public keys with which Telegram signs id_tokens.

The set is kept for ten minutes. A token with an unknown key reads it again, at most every 30 s, so that
forged tokens do not cause a request each. Keys of an unknown kind do no harm: a key is parsed when a token
names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

import orjson

from shared.core import http, log
from shared.web.login.identity import LoginRefused

if TYPE_CHECKING:
    from jwt import PyJWK

    from shared.core.json_types import JsonObject

_PATH = "/.well-known/jwks.json"
_TIMEOUT = 5.0  # seconds
_LIFETIME = 600.0  # seconds
_PAUSE = 30.0  # seconds between two reads
_SHORT_PAUSE = 2.0  # seconds, while no key is known


class KeySet:
    """The keys at one issuer."""

    def __init__(self, issuer: str) -> None:
        self._url = issuer + _PATH
        self._lock = Lock()
        self._keys: Mapping[str, JsonObject] = {}
        self._fetched_at = self._tried_at = float("-inf")

    def find(self, key_id: str) -> PyJWK:
        """Return the key with this id.

        Raises:
            LoginRefused: there is none, it cannot be used, or the keys cannot be read.
        """
        from jwt import PyJWK
        from jwt.exceptions import PyJWTError

        key = self._find(key_id)
        if key is None:
            raise LoginRefused("no key has the id that the token names")
        try:
            return PyJWK.from_dict(key)
        except PyJWTError:
            raise LoginRefused("the key is of an unknown kind") from None

    def _find(self, key_id: str) -> JsonObject | None:
        with self._lock:
            now = monotonic()
            is_old = now >= self._fetched_at + _LIFETIME
            pause = _PAUSE if self._keys else _SHORT_PAUSE
            if (is_old or key_id not in self._keys) and now >= self._tried_at + pause:
                self._tried_at = now
                self._refresh(now)
            if not self._keys:
                raise LoginRefused("the keys of the issuer cannot be read")
            return self._keys.get(key_id)

    def _refresh(self, now: float) -> None:
        """Read the keys; those that are known stay when that fails."""
        try:
            response = http.request("GET", self._url, timeout=_TIMEOUT)
            found = orjson.loads(response.data) if response.status == 200 else None
        except (http.RequestError, orjson.JSONDecodeError):
            found = None
        keys = found.get("keys") if isinstance(found, dict) else None
        if not isinstance(keys, list):
            log.warning("the keys for logins with Telegram cannot be read", action="login_keys_unreadable")
            return
        self._fetched_at = now
        self._keys = {
            key["kid"]: key for key in keys if isinstance(key, dict) and isinstance(key.get("kid"), str)
        }
