"""Write the log: one JSON object per line on standard output, as Cloud Logging reads it, without secrets.

    log.info("update finished", action="update_finished", bot="assistant", update_id=7)

`action` is the stable word to search for; the message may change. Every line carries the trace id of the
request it belongs to (https://cloud.google.com/logging/docs/structured-logging).
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from contextvars import ContextVar
from functools import lru_cache
from typing import Protocol

import orjson

from shared.core.config import secret_values, settings
from shared.core.errors import ConfigError
from shared.core.redaction import REDACTED, SHORTEST, redact

_LEVELS = {"DEBUG": 10, "INFO": 20, "NOTICE": 25, "WARNING": 30, "ERROR": 40, "CRITICAL": 50, "ALERT": 60}
_trace: ContextVar[str] = ContextVar("trace", default="")

_LONGEST_VALUE = 1_000  # characters, so that a path or body from outside neither fills the log nor costs time
_MARGIN = 600  # characters past the cut that are searched for secrets
_LONGEST_STACK = 8_000  # characters, its end
_DEEPEST = 6  # levels of nesting that are written
_REPEATED = 32  # characters; shorter texts repeat from line to line, so their redaction is cached


@lru_cache(maxsize=1)
def _own_secrets() -> re.Pattern[str] | None:
    values = sorted(secret_values(), key=len, reverse=True)
    return re.compile("|".join(re.escape(value) for value in values)) if values else None


@lru_cache(maxsize=1)
def _shortest_secret() -> int:
    """Return the minimum length of a text that may contain a credential."""
    return min([SHORTEST, *map(len, secret_values())])


@lru_cache(maxsize=1)
def _level() -> int:
    try:
        return _LEVELS.get(settings().log_level.upper(), 20)
    except ConfigError:
        return 20


def redact_secrets(text: str) -> str:
    """Return `text` with everything that is or looks like a credential replaced."""
    if len(text) < _shortest_secret():
        return text
    own = _own_secrets()
    if own is not None:
        text = own.sub(REDACTED, text)
    return redact(text)


class Headers(Protocol):
    """The headers of a request."""

    def get(self, name: str, default: str) -> str:
        """Return a header, whatever the case of its name."""


def start_trace(headers: Headers) -> str:
    """Take the trace id from a request's headers for every line of this request, and return it."""
    trace = headers.get("X-Cloud-Trace-Context", "").partition("/")[0]
    if not trace:
        parts = headers.get("traceparent", "").split("-")
        trace = parts[1] if len(parts) == 4 else ""
    trace = trace if trace and re.fullmatch(r"[0-9a-fA-F]{1,64}", trace) else ""
    _trace.set(trace)
    return trace


def trace_id() -> str:
    """Return the trace id of the request this thread works on, or an empty string."""
    return _trace.get()


def is_debug() -> bool:
    """Whether debug lines are written, so that callers can skip building them."""
    return _level() <= _LEVELS["DEBUG"]


def _project() -> str:
    try:
        return settings().google_cloud_project
    except ConfigError:
        return ""


def _write(severity: str, message: str, fields: dict[str, object]) -> None:
    if _LEVELS[severity] < _level():
        return
    line: dict[str, object] = {"severity": severity, "message": message, **fields}
    if trace := _trace.get():
        line["trace_id"] = trace
        if project := _project():
            line["logging.googleapis.com/trace"] = f"projects/{project}/traces/{trace}"
    stack = str(line.pop("stack_trace", ""))
    line = {name: _safe(value, 1) for name, value in line.items()}  # names of fields are constants
    if stack:
        line["stack_trace"] = redact_secrets(stack[-_LONGEST_STACK - _MARGIN :])[-_LONGEST_STACK:]
    try:
        text = orjson.dumps(line).decode()
    except TypeError:  # half of a surrogate pair, or a number beyond 64 bits
        text = json.dumps(line)
    # One write per line, so that lines of different threads never mix.
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _safe(value: object, depth: int = 0) -> object:
    """Return a value without secrets and of bounded length."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict) and depth < _DEEPEST:
        return {_text(str(key)): _safe(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset) and depth < _DEEPEST:
        return [_safe(item, depth + 1) for item in value]
    return _text(str(value))


def _text(value: str) -> str:
    """Redact before cutting: a secret that is cut is no longer recognized."""
    if len(value) <= _REPEATED:
        return _hidden(value, _own_secrets())
    if len(value) <= _LONGEST_VALUE:
        return redact_secrets(value)
    return f"{redact_secrets(value[: _LONGEST_VALUE + _MARGIN])[:_LONGEST_VALUE]}… ({len(value)} characters)"


@lru_cache(maxsize=512)
def _hidden(value: str, _own: re.Pattern[str] | None) -> str:
    """Return a short text without secrets. `_own` is only part of the cache key."""
    return redact_secrets(value)


def debug(message: str, *, action: str, **fields: object) -> None:
    """Write details for debugging."""
    _write("DEBUG", message, {"action": action, **fields})


def info(message: str, *, action: str, **fields: object) -> None:
    """Write that something ordinary happened."""
    _write("INFO", message, {"action": action, **fields})


def warning(message: str, *, action: str, **fields: object) -> None:
    """Write that something failed and was handled."""
    _write("WARNING", message, {"action": action, **fields})


def error(message: str, *, action: str, **fields: object) -> None:
    """Write that something failed. Within an `except` block, the stack trace is added."""
    _write("ERROR", message, {"action": action, **_stack(), **fields})


def alert(message: str, *, action: str, **fields: object) -> None:
    """Write that the owner must act. The log-based alerting policy watches severity ALERT."""
    _write("ALERT", message, {"action": action, **_stack(), **fields})


def _stack() -> dict[str, str]:
    return {"stack_trace": traceback.format_exc(limit=-12)} if sys.exc_info()[0] else {}


class _LibraryLines(logging.Handler):
    """Writes log records of libraries (telebot, urllib3, psycopg) in the same format."""

    def emit(self, record: logging.LogRecord) -> None:
        severity = record.levelname if record.levelname in _LEVELS else "INFO"
        _write(severity, record.getMessage(), {"action": "library", "logger": record.name})


def capture_libraries() -> None:
    """Redirect the loggers of libraries to this log: on their own they would print tokens in URLs."""
    root = logging.getLogger()
    if not any(isinstance(handler, _LibraryLines) for handler in root.handlers):
        root.handlers[:] = [_LibraryLines()]
        root.setLevel(logging.WARNING)
    # The pool warns at every attempt to reconnect; db.call warns once.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    telegram = logging.getLogger("TeleBot")
    telegram.handlers.clear()
    telegram.propagate = True
    telegram.setLevel(logging.WARNING)
