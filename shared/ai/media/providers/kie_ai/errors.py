"""kie.ai's codes: in the body of an HTTP 200, and as `failCode` of a task."""

from __future__ import annotations

import re
from collections.abc import Mapping

from shared.ai.media import failures
from shared.ai.media.contract import Cause, Failed, Outcome, RefusalKind, Refused
from shared.ai.media.wire import Answer, get, get_text

CODES: Mapping[int, Cause] = {
    401: Cause.INVALID_KEY,
    402: Cause.NO_CREDIT,
    404: Cause.MODEL_NOT_FOUND,
    408: Cause.PROVIDER_TIMEOUT,  # the model's provider took more than 10 minutes
    422: Cause.INVALID_REQUEST,
    429: Cause.RATE_LIMITED,  # the task was not queued
    433: Cause.NO_CREDIT,  # the cap of a sub-key
    455: Cause.UNAVAILABLE,  # maintenance
    500: Cause.SERVER_ERROR,
    501: Cause.GENERATION_FAILED,
    505: Cause.PERMISSION_DENIED,  # the feature is disabled
    524: Cause.PROVIDER_TIMEOUT,  # the limit of 20 minutes; not charged
}
REFUSAL_CODES = (400, 422, 500, 501)  # with the words below
_NOT_CHARGED = (422, 433, 501, 505, 524)
_LONGEST = 4_000  # characters of a message that are searched
_REFUSED = re.compile(
    r"flagged|content[ _-]polic|sensitive|safety|moderation|nsfw|prohibited|\bminors?\b|prominent people",
    re.IGNORECASE,
)
_MINORS = re.compile(r"\bminors?\b|\bchild", re.IGNORECASE)
_PERSON = re.compile(r"prominent|public figure|celebrit|real pe(?:rson|ople)", re.IGNORECASE)
_NOT_AUTHORIZED = re.compile(r"not authori[sz]ed to use this model", re.IGNORECASE)
_BAD_REFERENCE = re.compile(
    r"(?:image|file|url).{0,60}(?:too large|format|not supported|download|fetch|access|invalid|exceed)",
    re.IGNORECASE,
)


def submit_error(answer: Answer) -> Outcome:
    """Return the outcome of a request that kie.ai rejects."""
    if answer.text:
        return failures.from_answer(answer, "")
    code = get(answer.body, "code")
    status = code if isinstance(code, int) else answer.status
    message = message_of(answer.body)
    if status == 200 and 200 <= answer.status < 300:
        return failures.failed(Cause.INVALID_RESPONSE, f"200 {message}", is_in_success=True)
    if refusal := refusal_in(status, message):
        return refusal
    cause = cause_of(status, message)
    may_retry = cause in (Cause.RATE_LIMITED, Cause.UNAVAILABLE)
    is_free = may_retry or status in _NOT_CHARGED or (status < 500 and status != 408)
    return Failed(
        cause,
        may_retry,
        False if is_free else None,
        f"{status} {message}",
        answer.retry_after_s if may_retry else None,
    )


def cause_of(code: int, message: str) -> Cause:
    """Return the cause of a code; the message may name a narrower one."""
    text = message[:_LONGEST]
    if _NOT_AUTHORIZED.search(text):
        return Cause.PERMISSION_DENIED
    if code in (400, 422) and _BAD_REFERENCE.search(text):
        return Cause.INVALID_REFERENCE
    return CODES.get(code) or failures.by_status(code)


def refusal_in(code: int, message: str) -> Refused | None:
    """Return the refusal that a code and its message state, None when they state none."""
    text = message[:_LONGEST]
    if code not in REFUSAL_CODES or not _REFUSED.search(text):
        return None
    if _MINORS.search(text):
        return Refused(RefusalKind.MINOR)
    return Refused(RefusalKind.PERSON if _PERSON.search(text) else RefusalKind.POLICY)


def message_of(body: object) -> str:
    """Return the message of a body; model families name it differently."""
    return get_text(body, "msg") or get_text(body, "message")
