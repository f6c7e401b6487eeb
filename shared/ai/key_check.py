"""Is a user's key any good? Asked of its provider, with a call that costs nothing."""

from __future__ import annotations

from enum import StrEnum
from time import monotonic

from shared.ai import providers
from shared.ai.provider import Trouble
from shared.ai.response_reader import problem_of
from shared.core import http, log

TIMEOUT = 6.0  # seconds for the whole of it: a user waits


class Verdict(StrEnum):
    """What a provider said of a key."""

    GOOD = "good"
    REFUSED = "refused"
    UNKNOWN = "unknown"  # it could not be asked, or cannot tell


def check_key(provider: str, secret: str, timeout: float = TIMEOUT) -> Verdict:
    """Ask a provider whether it takes a key. Takes `timeout` seconds at most.

    Raises:
        ConfigError: the variable with the provider's address is malformed.
    """
    service = providers.load(provider)
    address = service.check_address()
    if address is None:
        return Verdict.UNKNOWN
    started, status = monotonic(), 0
    try:
        answer = http.request("GET", address, headers=service.check_headers(secret), timeout=timeout)
        status = answer.status
    except http.RequestError as error:
        log.warning("a key was not tried", action="key_check_failed", provider=provider, reason=str(error))
        return Verdict.UNKNOWN
    finally:
        ms = round((monotonic() - started) * 1000, 1)
        log.debug("tried a key", action="ai_call", provider=provider, model="key check", ms=ms, status=status)
    if 200 <= answer.status < 300 and not answer.data.lstrip().startswith(b"<"):
        return Verdict.GOOD
    trouble = problem_of(service, answer.status, answer.headers, answer.data).trouble
    # What it says is not logged: providers repeat the key they refuse.
    log.info(
        "a key was tried", action="key_checked", provider=provider, status=answer.status, trouble=trouble
    )
    if trouble is Trouble.KEY:
        return Verdict.REFUSED
    return Verdict.GOOD if trouble is Trouble.CREDIT else Verdict.UNKNOWN
