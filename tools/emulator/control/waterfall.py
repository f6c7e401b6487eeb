"""The attempts of an update, callback or job as a waterfall of timed spans."""

from __future__ import annotations

import json
import time
from typing import Any

from tools.emulator.control.deliveries import Deliveries, DeliveryFields, WaterfallsQuery
from tools.emulator.control.routes import Json, Route, Routes
from tools.emulator.journal import Attempt, Entry
from tools.emulator.trace import Trace

KINDS = {
    "sql": "sql",
    "ai_call": "ai",
    "payment_call": "payment_call",
    "telegram_call": "delivery",
    "reply": "delivery",
    "log": "log",
    "fault": "fault",
}
# Known from log lines, which arrive late. A function makes these calls one after the other.
LOGGED = frozenset({"sql", "ai_call", "payment_call"})
SEVERE = frozenset({"ERROR", "CRITICAL", "ALERT", "EMERGENCY"})
AI_FACTS = ("provider", "model", "tokens_in", "tokens_out", "cost", "finish")
VERIFY = "Gateway, secret, parsing"


class Waterfalls:
    """`get` and `post` list the routes."""

    def __init__(self, trace: Trace, deliveries: Deliveries) -> None:
        self._trace = trace
        self._deliveries = deliveries
        self.get: Routes = {
            "waterfalls": Route(WaterfallsQuery, self._list),
            "waterfalls/<id>": Route(DeliveryFields, self._one),
        }
        self.post: Routes = {}

    def _list(self, query: WaterfallsQuery) -> Json:
        """Return deliveries with the spans of each attempt."""
        entries = self._deliveries.entries(query, 50)
        events = self._trace.grouped()
        return {"waterfalls": [self._shown(entry, events.get(entry.id, [])) for entry in entries]}

    def _one(self, query: DeliveryFields) -> Json:
        """Return one; `from` counts from the moment it was queued, in seconds."""
        entry = self._deliveries.entry(query.id)
        return self._shown(entry, self._trace.of(entry.id))

    def _shown(self, entry: Entry, events: list[Json]) -> Json:
        shown = self._deliveries.shown(entry, events)
        waited_from = entry.began
        for attempt, described in zip(list(entry.attempts), shown["attempts"], strict=False):
            mine = [event for event in events if _home(event, entry) is attempt]
            spans = [_waiting(entry, attempt, waited_from), *_spans(entry, attempt, mine)]
            end = max((attempt.ended or time.time(), *(_end(event) for event in mine)))
            described["from"] = _seconds(attempt.began - entry.began)
            described["length"] = _seconds(end - attempt.began)
            described["spans"] = [span for span in spans if span is not None]
            if not attempt.note:
                waited_from = attempt.ended or attempt.began
        ends = [one["from"] + one["length"] for one in shown["attempts"]]
        return shown | {"from": entry.began, "length": max(ends, default=0.0)}


def _home(event: Json, entry: Entry) -> Attempt | None:
    """Return the attempt of an event: by its trace id, else the one in progress at that moment."""
    attempts = [one for one in entry.attempts if one.note != "forged"]
    if event["attempt"] is not None:
        return next((one for one in entry.attempts if one.key == event["attempt"]), None)
    begun = [one for one in attempts if one.began <= event["began"]]
    return begun[-1] if begun else next(iter(attempts), None)


def _waiting(entry: Entry, attempt: Attempt, since: float) -> Json | None:
    """Return the span in the queue or between two attempts; copies and forged requests have none."""
    if attempt.note:
        return None
    title = "In the queue" if attempt.number == 1 else f"Waiting for attempt {attempt.number}"
    ms = max(0.0, attempt.began - since) * 1000
    return _span("queue", title, since - entry.began, ms)


def _spans(entry: Entry, attempt: Attempt, events: list[Json]) -> list[Json]:
    """Return the spans of one attempt in order; the time before the first call is the check."""
    end = attempt.ended or time.time()
    placed = _in_order([event for event in events if event["kind"] in KINDS], end)
    calls = [event["began"] for event in placed if event["kind"] in LOGGED | {"telegram_call"}]
    checked = min([at for at in calls if at >= attempt.began - 0.05] or [end])
    verify = _span("verify", VERIFY, attempt.began - entry.began, max(0.0, checked - attempt.began) * 1000)
    return [verify, *(_of_event(entry, event) for event in placed)]


def _in_order(events: list[Json], end: float) -> list[Json]:
    """Sort events by their start; a logged call ended before the next one, and before the answer."""
    right: list[Json] = []
    latest = end
    for event in sorted(events, key=lambda one: one["at"], reverse=True):
        if event["kind"] not in LOGGED:
            right.append(event)
            continue
        at = min(event["at"], latest)
        latest = at - (event["ms"] or 0) / 1000
        right.append(event | {"at": at, "began": latest})
    return sorted(right, key=lambda one: (one["began"], one["id"]))


def _of_event(entry: Entry, event: Json) -> Json:
    detail = event["detail"] if isinstance(event["detail"], dict) else {}
    if detail.get("action") == "database_unavailable":
        facts = {"reason": detail.get("reason")}
        span = _span("sql", str(detail.get("function")), event["began"] - entry.began, 0.0, facts)
        return span | {"error": True, "detail": detail}
    kind = KINDS[event["kind"]]
    span = _span(kind, str(event["title"]), event["began"] - entry.began, event["ms"], _facts(event, detail))
    return span | {"status": event["status"], "error": _is_error(event, detail), "detail": detail}


def _facts(event: Json, detail: Json) -> Json:
    line = event.get("line") or detail
    if event["kind"] == "ai_call":
        return {name: line[name] for name in AI_FACTS if line.get(name) is not None}
    if event["kind"] in ("telegram_call", "reply"):
        method = event["title"].removesuffix(" in the response")
        way = "in the response" if event["kind"] == "reply" else "call"
        return {"method": method, "way": way, "result": _result(detail.get("answer"))}
    if event["kind"] == "log":
        return {"severity": detail.get("severity"), "action": detail.get("action")}
    return {}


def _result(answer: Any) -> str | None:
    """Return the result of a Bot API call in a few words."""
    try:
        body = json.loads(answer) if isinstance(answer, str) else answer
    except ValueError:
        return None
    if not isinstance(body, dict):
        return None
    if not body.get("ok"):
        return str(body.get("description") or "refused")
    result = body.get("result")
    return f"message {result['message_id']}" if isinstance(result, dict) and "message_id" in result else "ok"


def _is_error(event: Json, detail: Json) -> bool:
    status = event["status"]
    if isinstance(status, int):
        return status == 0 or status >= 400
    if event["kind"] == "log":
        return detail.get("severity") in SEVERE
    return bool(detail.get("error") or detail.get("sqlstate"))


def _span(kind: str, title: str, begin: float, ms: float | None, facts: Json | None = None) -> Json:
    return {
        "kind": kind,
        "title": title,
        "from": _seconds(begin),
        "ms": round(ms or 0.0, 2),
        "status": None,
        "error": False,
        "facts": facts or {},
        "detail": {},
    }


def _end(event: Json) -> float:
    return float(event["at"])


def _seconds(value: float) -> float:
    return round(max(0.0, value), 5)
