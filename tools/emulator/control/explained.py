"""Explains the outcome of an attempt and what happens next. Expected refusals are no errors."""

from __future__ import annotations

from typing import Any

from tools.emulator.journal import Attempt, Entry

Json = dict[str, Any]
Found = tuple[str, str]  # outcome, why

SENDERS = {"update": "Telegram", "callback": "The provider", "job": "Cloud Scheduler"}
BUSY = "Another delivery of the same update is being worked on: one does the work, this one is asked to wait."
REPLY_LOST = (
    "The update counts as delivered, and Telegram never repeats a method in a response: this answer is lost. "
    "Answers that must arrive go out as calls of their own, which the outbox repeats."
)
# What a function logs when it answers 503, in the order of importance.
REASONS = {
    "config_error": ("bad", "A setting of the function is wrong; its log names it."),
    "database_unavailable": ("expected", "The database is away, and this cannot be answered without it."),
    "pool_busy": ("expected", "All connections to the database were in use."),
    "webhook_postponed": ("expected", "Another service that is needed here failed."),
    "webhook_not_confirmed": (
        "expected",
        "The provider’s API did not answer, so the callback proves nothing yet.",
    ),
    "payment_event_not_applied": (
        "expected",
        "Its payment or order is not known here yet: callbacks may come early.",
    ),
}


def explain(entry: Entry, attempt: Attempt, lines: list[Json], refused_reply: str = "") -> Json:
    """Return {outcome: good | expected | bad, explained: {why, next} or None}.

    `lines` are those of its log, `refused_reply` is Telegram's refusal of the method in the response.
    """
    if attempt.status is None:  # still in progress
        return {"outcome": "good", "explained": None}
    if refused_reply and _is_good(attempt):
        why = f"Telegram refused the method in the response: {refused_reply}."
        return {"outcome": "bad", "explained": {"why": why, "next": REPLY_LOST}}
    found = _unusual(entry, attempt) or _refused(attempt, lines)
    if found is None:
        return {"outcome": "good" if _is_good(attempt) else "bad", "explained": None}
    outcome, why = found
    return {"outcome": outcome, "explained": {"why": why, "next": _again(entry, attempt)}}


def _is_good(attempt: Attempt) -> bool:
    return 200 <= (attempt.status or 0) < 300


def _unusual(entry: Entry, attempt: Attempt) -> Found | None:
    """Explain an attempt that the genuine sender did not send, or whose answer it did not receive."""
    if attempt.note == "forged" and not _is_good(attempt):
        return "expected", "A stranger’s call: the secret or signature is wrong, so nothing was stored."
    if attempt.note == "forged" and entry.kind == "callback":
        return "expected", "The call proves nothing: the provider itself was asked whether it is true."
    if attempt.note == "forged":
        return "bad", "A call with a wrong secret was accepted, which must not happen."
    if attempt.is_lost:
        return "expected", f"The function answered {attempt.status}, and the answer was lost on the way."
    return None


def _refused(attempt: Attempt, lines: list[Json]) -> Found | None:
    if attempt.status == 0 and "timeout" in (attempt.error or "").lower():
        return "bad", "The function did not answer in time."
    if attempt.status == 0:
        return "bad", "The connection ended without an answer: the function was killed, or it restarts."
    if attempt.status in (401, 403) and attempt.note:
        return "expected", "The secret or signature does not fit, so nothing was stored."
    return _unavailable(attempt, lines) if attempt.status in (500, 502, 503) else None


def _unavailable(attempt: Attempt, lines: list[Json]) -> Found | None:
    if "is not running" in attempt.answer:
        return "bad", "The function is not running."
    logged = {str(line.get("action")) for line in lines}
    reason = next((REASONS[action] for action in REASONS if action in logged), None)
    if reason is None and any(line.get("outcome") == "busy" for line in lines):
        return "expected", BUSY
    return reason


def _again(entry: Entry, attempt: Attempt) -> str:
    """Explain whether and when it is sent again."""
    fixed = {
        "forged": "The genuine delivery is not touched by it.",
        "copy": "The answer to this copy is ignored; the other copy’s answer counts.",
        "resent": "It was sent by hand, so it is not retried.",
        "edited": "It was sent by hand, so it is not retried.",
    }
    if attempt.note:
        return fixed[attempt.note]
    if entry.kind == "job":
        return "Cloud Scheduler calls the job again when its schedule says so."
    return _next_attempt(entry, attempt)


def _next_attempt(entry: Entry, attempt: Attempt) -> str:
    sender = SENDERS[entry.kind]
    pause = f"after {attempt.retry_after} s (Retry-After)" if attempt.retry_after else "by its own pauses"
    later = [one for one in entry.attempts if not one.note and one.began > attempt.began]
    if later:
        stored = " The stored answer is given, and nothing runs twice." if attempt.is_lost else ""
        return f"{sender} sent it again {pause}, as attempt {later[0].number}.{stored}"
    if entry.state == "expired":
        return "Telegram gave up after a day."
    if entry.state == "gave_up":
        return "The provider gave up; the job payments asks it about open orders."
    return f"{sender} sends it again {pause}."
