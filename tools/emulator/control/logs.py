"""The functions' log lines, to be filtered and followed."""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from tools.emulator.control.bodies import Refused, number
from tools.emulator.trace import Trace

Json = dict[str, Any]

KEPT = 10_000
MOST = 1000
LEVELS = {
    "DEBUG": 10, "INFO": 20, "NOTICE": 25, "WARNING": 30, "ERROR": 40, "CRITICAL": 50, "ALERT": 60,
    "EMERGENCY": 70,
}  # fmt: skip
OWN = frozenset({"severity", "message", "action", "trace_id", "logging.googleapis.com/trace"})


class Logs:
    """The last lines of all functions, numbered. `get` and `post` list the routes."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._lines: deque[Json] = deque(maxlen=KEPT)
        self.get: dict[str, Callable[[Json], Json]] = {"logs": self._list}
        self.post: dict[str, Callable[[Json], Json]] = {}

    def add(self, function: str, line: Json) -> None:
        """Keep a line; what is no JSON has its text alone."""
        place, attempt = self._trace.journal.place(line.get("trace_id"))
        kept = {
            "at": time.time(),
            "function": function,
            "severity": str(line.get("severity") or "DEFAULT"),
            "message": str(line.get("message") or line.get("function") or ""),
            "action": line.get("action"),
            "trace_id": place or None,
            "attempt": attempt,
            "fields": {name: value for name, value in line.items() if name not in OWN},
        }
        with self._lock:
            self._lines.append({"id": next(self._numbers)} | kept)

    def _list(self, query: Json) -> Json:
        """Return log lines, oldest first: the newest `limit` of those that fit.

        function: only of this function
        level: DEBUG, INFO, NOTICE, WARNING, ERROR, CRITICAL or ALERT, and above
        errors: 1 for ERROR and above
        trace_id: only of this update, callback or job
        text: only lines that hold this, in any case
        after: only lines after this id; poll with the answer's `last`
        limit: 200 if left out
        """
        least = self._least(query)
        after = number(query.get("after") or 0, "after")
        limit = min(MOST, max(1, number(query.get("limit") or 200, "limit")))
        text = str(query.get("text") or "").lower()
        with self._lock:
            lines = list(self._lines)
        found = [
            line
            for line in lines
            if line["id"] > after
            and LEVELS.get(line["severity"], 0) >= least
            and query.get("function") in (None, "", line["function"])
            and query.get("trace_id") in (None, "", line["trace_id"])
            and (not text or text in f"{line['message']} {line['action']} {line['fields']}".lower())
        ]
        return {"lines": found[-limit:], "last": lines[-1]["id"] if lines else after}

    def _least(self, query: Json) -> int:
        if query.get("errors"):
            return LEVELS["ERROR"]
        level = str(query.get("level") or "").upper()
        if level and level not in LEVELS:
            raise Refused(f"A level is one of {', '.join(LEVELS)}.")
        return LEVELS.get(level, 0)
