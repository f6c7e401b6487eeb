"""One bounded list of what every part did, joined by trace id."""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Literal

from tools.emulator.journal import Journal

Kind = Literal[
    "webhook",
    "payment",
    "sql",
    "telegram_call",
    "ai_call",
    "payment_call",
    "storage_call",
    "login_call",
    "reply",
    "scheduler",
    "fault",
    "log",
]
Event = dict[str, Any]

LIMIT = 5000
MUTED = 5000
JOIN_SECONDS = 3.0


class Trace:
    """Collects deliveries, Bot API and AI calls and the functions' log lines, for the page and tests."""

    def __init__(self) -> None:
        self.journal = Journal()
        self._lock = threading.RLock()
        self._events: deque[Event] = deque(maxlen=LIMIT)
        self._waiting: deque[Event] = deque(maxlen=200)
        self._numbers = itertools.count(1)
        self._muted: dict[str, None] = {}
        self._listeners: list[Callable[[Event], None]] = []

    def subscribe(self, listener: Callable[[Event], None]) -> None:
        """Call `listener` with each new event, in the thread that added it."""
        with self._lock:
            self._listeners.append(listener)

    def mute(self, trace_id: str) -> None:
        """Record nothing more under this trace id: jobs of a move of the clock would push all else out."""
        with self._lock:
            self._muted[trace_id] = None
            if len(self._muted) > MUTED:
                del self._muted[next(iter(self._muted))]

    def add(self, kind: Kind, title: str, **fields: Any) -> Event:
        """Record one event. Fields: trace_id, detail, ms, status, bot, chat_id, update_id; None if absent.

        A trace id that was sent with one attempt becomes that of the whole update or callback; `attempt` says
        which it was.
        """
        self._flush()
        return self._publish(self._event(kind, title, fields))

    def seen_outside(self, kind: Kind, title: str, **fields: Any) -> None:
        """Record a call that a fake server received without knowing on whose behalf.

        The function's own log line about it knows: `join` puts the two together. Without such a line the
        event is published alone after JOIN_SECONDS.
        """
        with self._lock:
            self._waiting.append(self._event(kind, title, fields))

    def join(self, kind: Kind, title: str, **fields: Any) -> Event:
        """Record a function's line about a call, with the details of the oldest unjoined call of the kind."""
        with self._lock:
            match = self._waiting_call(kind, fields.get("trace_id"))
            if match is not None:
                self._waiting.remove(match)
        if match is None:
            return self.add(kind, title, **fields)
        known = {name: value for name, value in fields.items() if value is not None and name != "detail"}
        if "trace_id" in known:
            known["trace_id"], known["attempt"] = self.journal.place(known["trace_id"])
        match.update(known)
        # The function's duration includes the last byte of the answer, so `at` must be the end.
        match |= {"title": title, "at": time.time()}
        match["began"] = match["at"] - (match["ms"] or 0) / 1000
        if "detail" in fields:
            match["line"] = fields["detail"]
        return self._publish(match)

    def revise(self, change: Callable[[Event], None]) -> None:
        """Change what is recorded already: what must not be read there any more."""
        with self._lock:
            for event in (*self._events, *self._waiting):
                change(event)

    def events(self, limit: int | None = None) -> list[Event]:
        """Return the newest `limit` events, oldest first."""
        self._flush()
        with self._lock:
            events = list(self._events)
        return events[-limit:] if limit else events

    def grouped(self) -> dict[str, list[Event]]:
        """Return all events by their trace id, oldest first."""
        found: dict[str, list[Event]] = {}
        for event in self.events():
            if event["trace_id"]:
                found.setdefault(event["trace_id"], []).append(event)
        return found

    def of(self, trace_id: str) -> list[Event]:
        """Return the events with this trace id, oldest first."""
        return [event for event in self.events() if event["trace_id"] == trace_id]

    def _event(self, kind: Kind, title: str, fields: dict[str, Any]) -> Event:
        event: Event = {
            "id": next(self._numbers),
            "at": time.time(),
            "trace_id": None,
            "kind": kind,
            "title": title,
        }
        blank = dict.fromkeys(("detail", "ms", "status", "bot", "chat_id", "update_id", "attempt"))
        event |= blank | fields
        event["trace_id"], attempt = self.journal.place(event["trace_id"])
        if "attempt" not in fields:
            event["attempt"] = attempt
        event["began"] = event["at"] - (event["ms"] or 0) / 1000
        return event

    def _waiting_call(self, kind: Kind, trace_id: str | None) -> Event | None:
        """Return the call that a line is about: one made for the same request, else the oldest unknown."""
        place = self.journal.place(trace_id)
        mine = [event for event in self._waiting if event["kind"] == kind]
        exact = (event for event in mine if (event["trace_id"], event["attempt"]) == place and trace_id)
        return next(exact, None) or next((event for event in mine if event["trace_id"] is None), None)

    def _publish(self, event: Event) -> Event:
        with self._lock:
            if event["trace_id"] in self._muted:
                return event
            self._events.append(event)
            listeners = list(self._listeners)
        for listener in listeners:
            listener(event)
        return event

    def _flush(self) -> None:
        late = time.time() - JOIN_SECONDS
        while True:
            with self._lock:
                if not self._waiting or self._waiting[0]["at"] > late:
                    return
                event = self._waiting.popleft()
            self._publish(event)
