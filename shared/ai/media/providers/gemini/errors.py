"""Google's errors and refusals (https://ai.google.dev/gemini-api/docs/troubleshooting)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from shared.ai.media import failures
from shared.ai.media.contract import Cause, Failed, RefusalKind
from shared.ai.media.wire import Answer, get, get_list, get_text

_STATUSES: Mapping[str, Cause] = {
    "UNAUTHENTICATED": Cause.INVALID_KEY,
    "PERMISSION_DENIED": Cause.PERMISSION_DENIED,
    "NOT_FOUND": Cause.MODEL_NOT_FOUND,
    "RESOURCE_EXHAUSTED": Cause.RATE_LIMITED,
    "UNAVAILABLE": Cause.UNAVAILABLE,
    "DEADLINE_EXCEEDED": Cause.PROVIDER_TIMEOUT,
    "INTERNAL": Cause.SERVER_ERROR,
    "CANCELLED": Cause.CANCELLED,
    "FAILED_PRECONDITION": Cause.PERMISSION_DENIED,
    "INVALID_ARGUMENT": Cause.INVALID_REQUEST,
}
# `error.status` names these too broadly: the message decides first.
_AMBIGUOUS = ("FAILED_PRECONDITION", "INVALID_ARGUMENT", "PERMISSION_DENIED")
_FREE_TIER = re.compile(r"limit: 0\b")  # a key without billing has no pictures at all
_BAD_IMAGE = re.compile(
    r"(?:unable to process|unsupported|invalid|could not (?:load|decode)).{0,40}image", re.I
)
_MINORS = re.compile(r"\bminors?\b|\bchild", re.IGNORECASE)
_PERSON = re.compile(r"celebrit|prominent|public figure|real (?:person|people)|likeness", re.IGNORECASE)
# `finishReason` and `promptFeedback.blockReason`. IMAGE_OTHER and NO_IMAGE come without a reason.
_REFUSALS: Mapping[str, RefusalKind] = {
    "SAFETY": RefusalKind.POLICY,
    "IMAGE_SAFETY": RefusalKind.OUTPUT,
    "PROHIBITED_CONTENT": RefusalKind.POLICY,
    "IMAGE_PROHIBITED_CONTENT": RefusalKind.OUTPUT,
    "RECITATION": RefusalKind.COPYRIGHT,
    "IMAGE_RECITATION": RefusalKind.COPYRIGHT,
    "SPII": RefusalKind.PERSON,
    "BLOCKLIST": RefusalKind.INPUT,
    "JAILBREAK": RefusalKind.INPUT,
    "OTHER": RefusalKind.NO_RESULT,
    "IMAGE_OTHER": RefusalKind.NO_RESULT,
    "NO_IMAGE": RefusalKind.NO_RESULT,
}


def error_outcome(answer: Answer) -> Failed:
    """Return the outcome of an answer that is an error."""
    error = get(answer.body, "error")
    return failures.from_answer(answer, words_of(error), cause_of(answer.status, error))


def words_of(error: object) -> str:
    """Return status and message of an error. Interactions have a text as `code` and no `status`."""
    return f"{get_text(error, 'status') or get(error, 'code')} {get_text(error, 'message')}"


def cause_of(status: int, error: object) -> Cause | None:
    """Return the cause that an error names, None when the HTTP status has to decide."""
    name, message = get_text(error, "status") or get_text(error, "code").upper(), get_text(error, "message")
    reasons = {get_text(detail, "reason") for detail in get_list(error, "details")}
    if "API_KEY_INVALID" in reasons:
        return Cause.INVALID_KEY
    if name == "RESOURCE_EXHAUSTED" and _FREE_TIER.search(message[:4_000]):
        return Cause.NO_CREDIT
    if name == "INVALID_ARGUMENT" and _BAD_IMAGE.search(message[:4_000]):
        return Cause.INVALID_REFERENCE
    if name in _AMBIGUOUS and (words := failures.by_words(status, message)):
        return words
    return _STATUSES.get(name)


def refusal_kind(reason: str, message: str) -> RefusalKind:
    """Return the kind of a reason for which nothing was made; one that we do not know is a policy."""
    if _MINORS.search(message[:4_000]):
        return RefusalKind.MINOR
    if _PERSON.search(message[:4_000]):
        return RefusalKind.PERSON
    return _REFUSALS.get(reason, RefusalKind.POLICY)


def is_refusal(reason: str) -> bool:
    """Whether a `finishReason` is one of a refusal."""
    return reason in _REFUSALS
