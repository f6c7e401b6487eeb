"""Check a user's API key with a call to its provider that costs nothing."""

from __future__ import annotations

from enum import StrEnum
from time import monotonic

from shared.ai import providers
from shared.ai.provider import ErrorKind
from shared.ai.response_reader import error_from_response
from shared.core import http, log

TIMEOUT = 6.0  # seconds for the whole check: a user waits for it


class Verdict(StrEnum):
    """What a provider says about a key."""

    GOOD = "good"
    REFUSED = "refused"
    UNKNOWN = "unknown"  # no answer, or the provider has no check


def check_key(provider: str, secret: str, timeout: float = TIMEOUT) -> Verdict:
    """Return whether a provider accepts a key, within `timeout` seconds.

    Raises:
        ConfigError: `<PROVIDER>_BASE_URL` is malformed.
    """
    service = providers.load(provider)
    url = service.key_check_url()
    if url is None:
        return Verdict.UNKNOWN
    started, status = monotonic(), 0
    try:
        response = http.request("GET", url, headers=service.key_check_headers(secret), timeout=timeout)
        status = response.status
    except http.RequestError as error:
        log.warning(
            "a key could not be checked", action="key_check_failed", provider=provider, reason=str(error)
        )
        return Verdict.UNKNOWN
    finally:
        ms = round((monotonic() - started) * 1000, 1)
        log.debug(
            "checked a key", action="ai_call", provider=provider, model="key check", ms=ms, status=status
        )
    if 200 <= response.status < 300 and not response.data.lstrip().startswith(b"<"):
        return Verdict.GOOD
    kind = error_from_response(service, response.status, response.headers, response.data).kind
    # Its message is not logged: providers repeat the key that they reject.
    log.info("a key was checked", action="key_checked", provider=provider, status=response.status, kind=kind)
    if kind is ErrorKind.INVALID_KEY:
        return Verdict.REFUSED
    return Verdict.GOOD if kind is ErrorKind.NO_CREDIT else Verdict.UNKNOWN
