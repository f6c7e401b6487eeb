"""The telegram function with more bots and handlers than it is deployed with: for what must fail in tests."""

from __future__ import annotations

import functools

from shared import bots
from shared.core import db
from shared.telegram import Bot
from tests.functions import second

# Tests that take the database away wait for its return again and again (the real time: core/test_db.py).
db.CIRCUIT_SECONDS = 1.0

_load = bots.load
_names = bots.names


@functools.cache
def load(name: str) -> Bot:
    return second.bot if name == "second" else _load(name)


bots.load = load  # type: ignore[assignment]
bots.names = lambda: (*_names(), "second")  # type: ignore[assignment]

from functions.telegram.main import telegram  # noqa: E402

__all__ = ["telegram"]
