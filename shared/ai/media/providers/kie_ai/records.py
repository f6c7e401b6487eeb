"""The record of a task: `data` of recordInfo, whose field names differ between families of models."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import orjson

from shared.ai.media.contract import (
    Cause,
    Failed,
    Finished,
    MediaFile,
    Outcome,
    RefusalKind,
    Refused,
    Submitted,
)
from shared.ai.media.providers.kie_ai.errors import cause_of, refusal_in
from shared.ai.media.wire import get, get_list, get_text
from shared.core import clock

USD_PER_CREDIT = Decimal("0.005")
_RUNNING = frozenset({"waiting", "queuing", "queueing", "generating", "processing", "pending"})
_SUCCESS = frozenset({"success", "succeed", "succeeded", "completed"})
_FAILED = frozenset({"fail", "failed", "error", "cancelled", "canceled", "timeout"})
_BY_FLAG = {0: "generating", 1: "success", 2: "fail", 3: "fail"}  # `successFlag` of older families
# A quicker "500" of a task was a content filter: an outage takes longer.
_FILTER_SECONDS = 90
_MAX_FILES = 20


def task_id(body: object) -> str:
    """Return the id of a task in an answer or a callback."""
    for path in (("data", "taskId"), ("data", "task_id"), ("taskId",), ("task_id",)):
        if found := get_text(body, *path):
            return found
    return ""


def outcome_of(job: str, record: object, pause: float, max_wait: float) -> Outcome | None:
    """Return the outcome of a record, None when it has no state.

    Args:
        pause: seconds until the next read.
        max_wait: seconds after which a task that still runs is given up: some wait for ever.
    """
    flag = get(record, "successFlag")
    state = get_text(record, "state").lower() or (_BY_FLAG.get(flag, "") if isinstance(flag, int) else "")
    if not state:
        return None
    if state in _SUCCESS:
        return _success(record)
    # A state that we do not know ends the job only together with a time of completion.
    if state in _FAILED or (state not in _RUNNING and _milliseconds(record, "completeTime")):
        return _failure(record, state)
    age = clock.timestamp() - _milliseconds(record, "createTime") / 1000
    if _milliseconds(record, "createTime") and age > max_wait:
        return Failed(Cause.PROVIDER_TIMEOUT, may_retry=False, spent=None, message=f"{state} for {age:.0f} s")
    return Submitted(job, pause)


def _success(record: object) -> Outcome:
    credits = _credits(record)
    files = tuple(MediaFile(url=url) for url in _urls(record)[:_MAX_FILES])
    if files:
        return Finished(files, None if credits is None else credits * USD_PER_CREDIT)
    return Failed(Cause.EMPTY, may_retry=False, spent=_spent(credits), message="success without an address")


def _failure(record: object, state: str) -> Outcome:
    message, credits = get_text(record, "failMsg"), _credits(record)
    code = _code(record)
    cost = None if credits is None else credits * USD_PER_CREDIT
    if refusal := refusal_in(code, message):
        return replace(refusal, cost_usd=cost)
    created, completed = _milliseconds(record, "createTime"), _milliseconds(record, "completeTime")
    if code == 500 and created and 0 <= completed - created < _FILTER_SECONDS * 1000:
        return Refused(RefusalKind.NO_RESULT, cost_usd=cost)
    cause = cause_of(code, message) if code else Cause.GENERATION_FAILED
    if cause in (Cause.SERVER_ERROR, Cause.RATE_LIMITED, Cause.UNAVAILABLE):
        cause = Cause.GENERATION_FAILED  # of a task that was accepted
    if state in ("cancelled", "canceled"):
        cause = Cause.CANCELLED
    return Failed(cause, may_retry=False, spent=_spent(credits), message=f"{state} {code} {message}")


def _urls(record: object) -> list[str]:
    """Return the addresses of the results, wherever this family of models puts them."""
    text = get_text(record, "resultJson")
    try:
        result = orjson.loads(text) if text else None
    except ValueError:
        result = None
    for place in (result, get(record, "response"), get(record, "info"), record):
        for name in ("resultUrls", "result_urls"):
            if urls := [url for url in get_list(place, name) if isinstance(url, str) and url]:
                return urls
    return []


def _credits(record: object) -> Decimal | None:
    for name in ("consumeCredits", "creditsConsumed"):
        value = get(record, name)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9:
            return Decimal(str(value))
    return None


def _spent(credits: Decimal | None) -> bool | None:
    return None if credits is None else credits > 0


def _code(record: object) -> int:
    """Return `failCode`, a text of digits or a number; 0 when it is neither."""
    code = get(record, "failCode")
    if isinstance(code, str) and code.isascii() and code.isdecimal() and len(code) < 5:
        return int(code)
    return code if isinstance(code, int) else 0


def _milliseconds(record: object, name: str) -> int:
    value = get(record, name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
