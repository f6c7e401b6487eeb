"""The telegram function with additional bots and handlers, for failures in tests."""

from __future__ import annotations

import functools

from shared import bots
from shared.core import db, texts
from shared.telegram import Bot
from tests import sql_results
from tests.functions import example, second

# Shorter than in production, because many tests wait for the circuit to close (tests/core/test_db.py).
db.CIRCUIT_SECONDS = 1.0

db.call = sql_results.wrap(db.call)

_load = bots.load
_names = bots.names


@functools.cache
def load(name: str) -> Bot:
    own = {"second": second.bot, "example": example.bot}
    return own.get(name) or _load(name)


bots.load = load  # type: ignore[assignment]
bots.names = lambda: (*_names(), "second", "example")  # type: ignore[assignment]

_packages = texts.packages()
texts.packages = lambda: (*_packages, "tests.functions.counter.texts")  # type: ignore[assignment]

from functions.telegram.main import telegram  # noqa: E402

__all__ = ["telegram"]
