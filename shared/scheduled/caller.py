"""Who may call a job: whoever knows SCHEDULER_SECRET, or the service account SCHEDULER_SERVICE_ACCOUNT.

Without either of them set, nobody may.
"""

from __future__ import annotations

from typing import Any

from shared import http, log
from shared.config import settings
from shared.signatures import bearer_token, token_matches

_TIMEOUT = 5.0  # seconds to fetch Google's certificates


def may_call(authorization: str | None, audience: str) -> bool:
    """Whether an `Authorization` header is the scheduler's.

    Args:
        audience: the address that was called, which Google's token must be made out to.
    """
    token = bearer_token(authorization)
    if not token:
        return False
    if token_matches(token, settings().scheduler_secrets):
        return True
    account = settings().scheduler_service_account
    return bool(account) and token.count(".") == 2 and _is_account(token, account, audience)


def _is_account(token: str, account: str, audience: str) -> bool:
    """Verify an OpenID Connect token of Google (docs.cloud.google.com/run: service-to-service)."""
    from google.auth import exceptions
    from google.oauth2 import id_token

    try:
        claims = id_token.verify_oauth2_token(  # type: ignore[no-untyped-call]
            token, _fetch, audience=_audiences(audience)
        )
    except (ValueError, exceptions.GoogleAuthError, http.NoAnswer) as error:
        log.warning("a scheduler token was refused", action="scheduler_refused", reason=type(error).__name__)
        return False
    return bool(claims.get("email_verified")) and token_matches(str(claims.get("email", "")), (account,))


def _audiences(address: str) -> list[str]:
    """Accept the address called, its root, and PUBLIC_URL's: whichever the job was made with."""
    root = "/".join(address.split("/")[:3])
    public = settings().public_url
    return [value for value in (address, root, public and f"{public}/scheduled") if value]


def _fetch(url: str, method: str = "GET", **_options: Any) -> http.Answer:
    """Ask as google-auth wants it; `Answer` is what it wants to see of an answer."""
    return http.request(method, url, timeout=_TIMEOUT)
