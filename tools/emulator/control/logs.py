"""The functions' log lines, to be filtered and followed."""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque

from pydantic import Field

from tools.emulator.control.bodies import Fields, Refused
from tools.emulator.control.routes import Json, Route, Routes
from tools.emulator.trace import Trace

KEPT = 10_000
MOST = 1000
LEVELS = {
    "DEBUG": 10, "INFO": 20, "NOTICE": 25, "WARNING": 30, "ERROR": 40, "CRITICAL": 50, "ALERT": 60,
    "EMERGENCY": 70,
}  # fmt: skip
OWN = frozenset({"severity", "message", "action", "trace_id", "logging.googleapis.com/trace"})


class LogsQuery(Fields):
    """Which log lines."""

    function: str = Field("", description="only of this function")
    level: str = Field("", description="DEBUG, INFO, NOTICE, WARNING, ERROR, CRITICAL or ALERT, and above")
    errors: bool = Field(False, description="1 for ERROR and above")
    trace_id: str = Field("", description="only of this update, callback or job")
    text: str = Field("", description="only lines that hold this, in any case")
    after: int = Field(0, description="only lines after this id; poll with the answer's `last`")
    limit: int = Field(200, description="200 if left out")


class Logs:
    """The last lines of all functions, numbered. `get` and `post` list the routes."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._lines: deque[Json] = deque(maxlen=KEPT)
        self.get: Routes = {"logs": Route(LogsQuery, self._list)}
        self.post: Routes = {}

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

    def _list(self, query: LogsQuery) -> Json:
        """Return log lines, oldest first: the newest `limit` of those that fit."""
        least, after, text = self._least(query), query.after, query.text.lower()
        limit = min(MOST, max(1, query.limit))
        with self._lock:
            lines = list(self._lines)
        found = [
            line
            for line in lines
            if line["id"] > after
            and LEVELS.get(line["severity"], 0) >= least
            and query.function in ("", line["function"])
            and query.trace_id in ("", line["trace_id"])
            and (not text or text in f"{line['message']} {line['action']} {line['fields']}".lower())
        ]
        return {"lines": found[-limit:], "last": lines[-1]["id"] if lines else after}

    def _least(self, query: LogsQuery) -> int:
        if query.errors:
            return LEVELS["ERROR"]
        level = query.level.upper()
        if level and level not in LEVELS:
            raise Refused(f"A level is one of {', '.join(LEVELS)}.")
        return LEVELS.get(level, 0)
