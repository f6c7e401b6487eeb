"""Every update, callback and job that was sent to a function, with all attempts and what each of them got."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]
Kind = Literal["update", "callback", "job"]

KEPT = 1000  # entries; a function that still works on an older one is recorded without it
SHOWN_ANSWER = 2000  # characters


@dataclass
class Attempt:
    """One request. `number` counts what the sender itself sends; forged calls and copies have none.

    `note`: "", forged, copy (beside the attempt with the same number), resent or edited. `trace_id` is what
    the function was given, so that its log lines are known to belong to this attempt. Times are Unix seconds.
    """

    key: str
    trace_id: str
    number: int | None
    note: str = ""
    began: float = field(default_factory=time.time)
    ended: float | None = None
    ms: float | None = None
    status: int | None = None
    error: str | None = None
    answer: str = ""
    retry_after: str = ""
    is_lost: bool = False  # the function answered, and the sender never received it

    @property
    def label(self) -> str:
        """Return the attempt's name on the page."""
        if self.note == "copy":
            return f"Second copy of attempt {self.number}, its answer ignored"
        names = {"forged": "InvalidSignature call", "resent": "Sent again", "edited": "Edited and sent again"}
        return names.get(self.note) or f"Attempt {self.number}"

    def json(self) -> Json:
        """Return it as the API shows it."""
        return {
            "key": self.key,
            "number": None if self.note else self.number,
            "note": self.note,
            "label": self.label,
            "at": self.began,
            "ms": self.ms,
            "status": self.status,
            "error": self.error,
            "answer": self.answer,
            "lost": self.is_lost,
        }


@dataclass
class Entry:
    """What is delivered. `source` can send it again; `state` is as Telegram or the provider sees it.

    state: queued, delivering, retrying, delivered, refused, expired (Telegram), gave_up (a provider)
    """

    id: str
    kind: Kind
    title: str
    bot: str | None = None
    provider: str | None = None
    chat_id: int | None = None
    update_id: int | None = None
    source: Any = None
    state: str = "queued"
    began: float = field(default_factory=time.time)
    next_at: float | None = None
    attempts: list[Attempt] = field(default_factory=list)


class Journal:
    """Bounded; the oldest entries go first."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._sent: OrderedDict[str, tuple[str, str]] = OrderedDict()
        self._listeners: list[Callable[[Entry], None]] = []

    def subscribe(self, listener: Callable[[Entry], None]) -> None:
        """Call `listener` with an entry whenever it changes."""
        self._listeners.append(listener)

    def open(self, entry: Entry) -> Entry:
        """Record what is to be delivered; one that is known stays as it is."""
        with self._lock:
            known = self._entries.setdefault(entry.id, entry)
            while len(self._entries) > KEPT:
                self._entries.popitem(last=False)
        self._tell(known)
        return known

    def begin(self, entry_id: str, number: int | None, note: str = "") -> Attempt:
        """Record the beginning of an attempt, and return it with the trace id to send."""
        with self._lock:
            entry = self._entries.get(entry_id)
            taken = {one.key for one in entry.attempts} if entry else set()
            key = note[:1] + str(number or len(taken) + 1)
            if key in taken and not note:
                note = "copy"
            key = next(name for name in (key, *(f"{key}.{n}" for n in range(2, 1000))) if name not in taken)
            # The first genuine attempt is sent with the entry's own id.
            sent = entry_id if key == "1" else secrets.token_hex(16)
            attempt = Attempt(key, sent, number if note in ("", "copy") else None, note)
            self._sent[sent] = (entry_id, key)
            while len(self._sent) > KEPT * 5:
                self._sent.popitem(last=False)
            if entry is not None:
                entry.attempts.append(attempt)
        if entry is not None:
            self._tell(entry)
        return attempt

    def end(self, entry_id: str, attempt: Attempt, **result: Any) -> None:
        """Record what an attempt got: ms, status, error, answer, retry_after."""
        with self._lock:
            attempt.ended = time.time()
            for name, value in result.items():
                setattr(attempt, name, value)
            attempt.answer = attempt.answer[:SHOWN_ANSWER]
        self.change(entry_id)

    def change(self, entry_id: str, **fields: Any) -> None:
        """Set fields of an entry."""
        with self._lock:
            entry = self._entries.get(entry_id)
            if entry is None:
                return
            for name, value in fields.items():
                setattr(entry, name, value)
        self._tell(entry)

    def place(self, trace_id: str | None) -> tuple[str | None, str | None]:
        """Return the entry and the attempt that a trace id was sent with; else the id alone."""
        with self._lock:
            return self._sent.get(trace_id or "", (trace_id, None))

    def get(self, entry_id: str) -> Entry | None:
        """Return an entry."""
        with self._lock:
            return self._entries.get(entry_id)

    def entries(self) -> list[Entry]:
        """Return all that are kept, the newest first."""
        with self._lock:
            return list(reversed(self._entries.values()))

    def _tell(self, entry: Entry) -> None:
        for listener in list(self._listeners):
            listener(entry)
