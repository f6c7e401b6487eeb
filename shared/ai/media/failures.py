"""Map a provider's error to a `Failed`: by its own code, by the words of its message, by the status."""

from __future__ import annotations

from collections.abc import Mapping

from shared.ai import error_patterns
from shared.ai.media.contract import Cause, Failed
from shared.ai.media.wire import Answer
from shared.ai.provider import ErrorKind

_BY_STATUS: Mapping[int, Cause] = {
    401: Cause.INVALID_KEY,
    402: Cause.NO_CREDIT,
    403: Cause.PERMISSION_DENIED,
    404: Cause.MODEL_NOT_FOUND,
    408: Cause.PROVIDER_TIMEOUT,
    410: Cause.MODEL_NOT_FOUND,
    413: Cause.INVALID_REFERENCE,  # only references make a request long
    429: Cause.RATE_LIMITED,
    499: Cause.PROVIDER_TIMEOUT,
    503: Cause.UNAVAILABLE,
    504: Cause.PROVIDER_TIMEOUT,
    524: Cause.PROVIDER_TIMEOUT,
    529: Cause.UNAVAILABLE,
}
_BY_KIND: Mapping[ErrorKind, Cause] = {
    ErrorKind.INVALID_KEY: Cause.INVALID_KEY,
    ErrorKind.PERMISSION_DENIED: Cause.PERMISSION_DENIED,
    ErrorKind.NO_CREDIT: Cause.NO_CREDIT,
    ErrorKind.MODEL_NOT_FOUND: Cause.MODEL_NOT_FOUND,
    ErrorKind.UNSUPPORTED_REGION: Cause.UNSUPPORTED_REGION,
    ErrorKind.BLOCKED: Cause.BLOCKED,
}
# Work has not begun: the provider turned the request away because it was busy.
_NOT_BEGUN = frozenset({Cause.RATE_LIMITED, Cause.UNAVAILABLE})
# The provider may have worked, and may count it.
_MAYBE_SPENT = frozenset({Cause.SERVER_ERROR, Cause.PROVIDER_TIMEOUT, Cause.INVALID_RESPONSE, Cause.EMPTY})


def failed(
    cause: Cause, message: str, *, retry_after_s: float | None = None, is_in_success: bool = False
) -> Failed:
    """Return the failure of a request that the provider answered.

    Args:
        is_in_success: the error came inside an HTTP 200, when work may have begun.
    """
    if is_in_success:
        return Failed(cause, may_retry=False, spent=None, message=message)
    may_retry = cause in _NOT_BEGUN
    spent = None if cause in _MAYBE_SPENT else False
    return Failed(cause, may_retry, spent, message, retry_after_s if may_retry else None)


def from_answer(answer: Answer, message: str, known: Cause | None = None) -> Failed:
    """Return the failure of an answer that is an error.

    Args:
        message: the provider's own words and code.
        known: the cause that the provider's code names, if we know it.
    """
    if answer.text:
        return _from_page(answer)
    is_in_success = 200 <= answer.status < 300
    status = 0 if is_in_success else answer.status
    cause = _cause(status, message, known)
    return failed(cause, message, retry_after_s=answer.retry_after_s, is_in_success=is_in_success)


def by_status(status: int) -> Cause:
    """Return what an HTTP status alone says."""
    if status >= 500:
        return _BY_STATUS.get(status, Cause.SERVER_ERROR)
    return _BY_STATUS.get(status, Cause.INVALID_REQUEST)


def by_words(status: int, message: str) -> Cause | None:
    """Return the cause that a message names, None when it names none that we know."""
    kind = error_patterns.unambiguous_kind(message) or error_patterns.probable_kind(status, message)
    return _BY_KIND.get(kind) if kind is not None else None


def _cause(status: int, message: str, known: Cause | None) -> Cause:
    if known is not None:
        return known
    if status == 0:
        return by_words(status, message) or Cause.SERVER_ERROR
    # A busy or broken provider's message may quote anything: only the status counts.
    words = by_words(status, message) if status < 500 else None
    return words or by_status(status)


def _from_page(answer: Answer) -> Failed:
    """Return the failure of a body that is no JSON object: a proxy's page, an empty or a cut body."""
    message = f"{answer.status}, no JSON object: {error_patterns.page_title(answer.text)}"
    if 200 <= answer.status < 300:
        return failed(Cause.INVALID_RESPONSE, message, is_in_success=True)
    kind = error_patterns.page_kind(answer.status, answer.text)
    cause = _BY_KIND.get(kind) if kind is not None else None
    return failed(cause or by_status(answer.status), message, retry_after_s=answer.retry_after_s)
