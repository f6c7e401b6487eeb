"""Authorizes job calls: by SCHEDULER_SECRET, or by a token of the service account SCHEDULER_SERVICE_ACCOUNT.

If neither is set, every call is rejected.
"""

from __future__ import annotations

from threading import Lock
from time import monotonic

from shared.core import http, log
from shared.core.config import settings
from shared.core.errors import ConfigError
from shared.core.signatures import bearer_token, token_matches

_TIMEOUT = 5.0  # seconds to fetch Google's certificates
_CACHE_TIME = 3600.0  # seconds; Google publishes a new certificate long before it signs with it
_FAILURE_CACHE_TIME = 10.0  # seconds
# Errors of google-auth for claims of a wrong type.
_MALFORMED = (ValueError, TypeError, KeyError, AttributeError, OverflowError)
_lock = Lock()
_cache: dict[str, tuple[float, http.Response]] = {}


def is_authorized(authorization: str | None) -> bool:
    """Return whether an `Authorization` header authorizes the scheduler."""
    token = bearer_token(authorization)
    if token_matches(token, settings().scheduler_secrets):
        return True
    return _is_jwt(token) and _is_service_account(token, settings().scheduler_service_account)


def may_be_authorized(authorization: str | None) -> bool:
    """Return whether an `Authorization` header is well-formed, before any token is verified."""
    token = bearer_token(authorization)
    return token_matches(token, settings().scheduler_secrets) or _is_jwt(token)


def _is_jwt(token: str) -> bool:
    return bool(settings().scheduler_service_account) and token.count(".") == 2


def _is_service_account(token: str, account: str) -> bool:
    """Verify an OpenID Connect token of Google (docs.cloud.google.com/run: service-to-service).

    Raises:
        ConfigError: PUBLIC_URL is missing.
    """
    from google.auth import exceptions
    from google.oauth2 import id_token

    try:
        claims = id_token.verify_oauth2_token(  # type: ignore[no-untyped-call]
            token, _certificates, audience=audience()
        )
    except (exceptions.GoogleAuthError, *_MALFORMED) as error:
        log.warning(
            "a scheduler token was rejected", action="scheduler_token_rejected", reason=type(error).__name__
        )
        return False
    email = claims.get("email")
    return (
        claims.get("email_verified") is True and isinstance(email, str) and token_matches(email, (account,))
    )


def audience() -> str:
    """Return the required audience of the tokens, from the configuration.

    Raises:
        ConfigError: PUBLIC_URL is missing.
    """
    if not settings().public_url:
        raise ConfigError("PUBLIC_URL is missing: it is the audience of the scheduler's tokens")
    return f"{settings().public_url}/scheduled"


def _certificates(url: str, method: str = "GET", **_options: object) -> http.Response:
    """Return Google's certificates for google-auth, cached for an hour.

    An attacker's token must not cause a request for each call.
    """
    with _lock:
        cached = _cache.get(url)
        if cached is None or monotonic() >= cached[0]:
            response = _fetch(method, url)
            lifetime = _CACHE_TIME if response.status == 200 else _FAILURE_CACHE_TIME
            cached = _cache[url] = (monotonic() + lifetime, response)
        return cached[1]


def _fetch(method: str, url: str) -> http.Response:
    try:
        return http.request(method, url, timeout=_TIMEOUT)
    except http.RequestError:
        return http.Response(503, {}, b"")
