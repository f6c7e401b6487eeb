"""Who may call a job: whoever knows SCHEDULER_SECRET, or the service account SCHEDULER_SERVICE_ACCOUNT.

Without either of them set, nobody may.
"""

from __future__ import annotations

from threading import Lock
from time import monotonic
from typing import Any

from shared.core import http, log
from shared.core.config import settings
from shared.core.errors import ConfigError
from shared.core.signatures import bearer_token, token_matches

_TIMEOUT = 5.0  # seconds to fetch Google's certificates
_KEPT = 3600.0  # seconds; Google changes them over days, and publishes a new one before it signs with it
_KEPT_FAILURE = 10.0  # seconds
# What google-auth raises for a token whose claims have the wrong types.
_MALFORMED = (ValueError, TypeError, KeyError, AttributeError, OverflowError)
_lock = Lock()
_kept: dict[str, tuple[float, http.Response]] = {}


def is_authorized(authorization: str | None) -> bool:
    """Return whether an `Authorization` header is the scheduler's."""
    token = bearer_token(authorization)
    if token_matches(token, settings().scheduler_secrets):
        return True
    return _may_be_of_google(token) and _is_account(token, settings().scheduler_service_account)


def may_be_authorized(authorization: str | None) -> bool:
    """Return whether an `Authorization` header may be the scheduler's, as far as its form tells."""
    token = bearer_token(authorization)
    return token_matches(token, settings().scheduler_secrets) or _may_be_of_google(token)


def _may_be_of_google(token: str) -> bool:
    return bool(settings().scheduler_service_account) and token.count(".") == 2


def _is_account(token: str, account: str) -> bool:
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
            "a scheduler token was refused", action="scheduler_token_rejected", reason=type(error).__name__
        )
        return False
    email = claims.get("email")
    return (
        claims.get("email_verified") is True and isinstance(email, str) and token_matches(email, (account,))
    )


def audience() -> str:
    """Return the name that Google's tokens must be made out to, from configuration alone.

    Raises:
        ConfigError: PUBLIC_URL is missing.
    """
    if not settings().public_url:
        raise ConfigError("PUBLIC_URL is missing: the scheduler's tokens are made out to it")
    return f"{settings().public_url}/scheduled"


def _certificates(url: str, method: str = "GET", **_options: Any) -> http.Response:
    """Return Google's certificates as google-auth asks for them, kept for an hour.

    A stranger's token must not cause a request each time it is sent.
    """
    with _lock:
        kept = _kept.get(url)
        if kept is None or monotonic() >= kept[0]:
            answer = _fetch(method, url)
            kept = _kept[url] = (monotonic() + (_KEPT if answer.status == 200 else _KEPT_FAILURE), answer)
        return kept[1]


def _fetch(method: str, url: str) -> http.Response:
    try:
        return http.request(method, url, timeout=_TIMEOUT)
    except http.RequestError:
        return http.Response(503, {}, b"")
