"""Moves of the clock as words: "1 day", "3 weeks", "90", "next" or a moment."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from tools.emulator.client import EmulatorError

Json = dict[str, Any]
UNITS = {"s": "second", "sec": "second", "m": "minute", "min": "minute", "h": "hour", "d": "day", "w": "week"}
SPAN = re.compile(r"(\d+)\s*([a-z]+?)s?")
FORWARD = (
    'The clock only moves forward: "1 day", "3 weeks", "90" (seconds), "next" (what falls due next), '
    "or to a moment such as 2027-01-31T12:00."
)


def clock_move(words: str) -> Json:
    """Read "1 day", "3 weeks", "90" (seconds), "next" or a moment."""
    if words.isdecimal():
        return {"seconds": int(words)}
    if span := SPAN.fullmatch(words.lower()):
        count, unit = int(span[1]), UNITS.get(span[2], span[2])
        return {"seconds": count} if unit == "second" else {"period": unit, "times": count}
    if words != "next" and not _is_moment(words):
        raise EmulatorError(FORWARD)
    return {"to": words}


def _is_moment(words: str) -> bool:
    try:
        datetime.fromisoformat(words)
    except ValueError:
        return False
    return True
