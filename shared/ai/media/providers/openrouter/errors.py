"""OpenRouter's errors, in HTTP errors and inside HTTP 200: https://openrouter.ai/docs/api-reference/errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from shared.ai.media import failures
from shared.ai.media.contract import Cause, Outcome, RefusalKind, Refused
from shared.ai.media.wire import Answer, get, get_list, get_text

_TYPES: Mapping[str, Cause] = {
    "invalid_prompt": Cause.INVALID_REQUEST,
    "invalid_image": Cause.INVALID_REFERENCE,
    "image_too_large": Cause.INVALID_REFERENCE,
    "unsupported_image_format": Cause.INVALID_REFERENCE,
    "image_download_failed": Cause.INVALID_REFERENCE,
    "payload_too_large": Cause.INVALID_REFERENCE,
    "payment_required": Cause.NO_CREDIT,
    "rate_limit_exceeded": Cause.RATE_LIMITED,
    "provider_overloaded": Cause.UNAVAILABLE,
    "provider_unavailable": Cause.SERVER_ERROR,
    "timeout": Cause.PROVIDER_TIMEOUT,
    "server": Cause.SERVER_ERROR,
}
# Statuses that say more than `error_type`, which a gateway's own error has not.
_FINAL = (401, 402, 404, 413)
_MODERATION = re.compile(r"flagged|moderation|content polic|safety", re.IGNORECASE)
_MINORS = re.compile(r"\bminors?\b|\bchild", re.IGNORECASE)


def error_outcome(answer: Answer) -> Outcome:
    """Return the outcome of an answer that is an error."""
    error = get(answer.body, "error")
    message = error if isinstance(error, str) else get_text(error, "message")
    kind = get_text(error, "metadata", "error_type")
    if refusal := _refusal(answer.status, error, kind, message):
        return refusal
    status = _status(answer, error)
    known = _TYPES.get(kind) if status not in _FINAL else None
    if known is None and status and 200 <= answer.status < 300:
        known = failures.by_words(0, message) or failures.by_status(status)
    return failures.from_answer(answer, f"{status} {kind} {message}", known)


def refusal_in(message: str) -> Refused | None:
    """Return the refusal that a failed job's message states, None when it states none."""
    if not _MODERATION.search(message[:4_000]):
        return None
    return Refused(RefusalKind.MINOR if _MINORS.search(message[:4_000]) else RefusalKind.POLICY)


def cost_of(body: object) -> Decimal | None:
    """Return `usage.cost` in US dollars, None where it is missing or no amount."""
    cost = get(body, "usage", "cost")
    if isinstance(cost, bool) or not isinstance(cost, int | float | str):
        return None
    try:
        amount = Decimal(str(cost))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount < 10_000 else None


def _refusal(status: int, error: object, kind: str, message: str) -> Refused | None:
    if kind == "refusal":
        return Refused(RefusalKind.ANSWERED_IN_TEXT, message or None)
    reasons = [str(reason) for reason in get_list(error, "metadata", "reasons")]
    is_flagged = bool(reasons or get(error, "metadata", "flagged_input"))
    if kind != "content_policy_violation" and not is_flagged:
        return refusal_in(message) if status == 403 else None
    if any(_MINORS.search(reason) for reason in reasons):
        return Refused(RefusalKind.MINOR)
    return Refused(RefusalKind.INPUT if is_flagged else RefusalKind.POLICY)


def _status(answer: Answer, error: object) -> int:
    """Return the HTTP status, or the code of an error inside HTTP 200; 0 when it has none."""
    if not 200 <= answer.status < 300:
        return answer.status
    code = get(error, "code")
    return code if isinstance(code, int) else 0
