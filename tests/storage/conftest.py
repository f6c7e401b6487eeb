"""The storage of the running stack, and this process as one of its functions."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from shared.core import config, db
from shared.storage import Storage
from tools.emulator.stack import Stack


@pytest.fixture
def storage(stack: Stack) -> Storage:
    """Return a client of the stack's storage."""
    return Storage(stack.url, stack.storage.key)


@pytest.fixture
def as_function(stack: Stack, backend_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give this process the settings of a function of the stack."""
    for name, value in stack.storage.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DATABASE_URL", backend_url)
    monkeypatch.setenv("BOT_TOKENS", json.dumps({"assistant": "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}))
    monkeypatch.setenv("TELEGRAM_WEBHOOK_SECRET", "webhook-secret-of-tests")
    monkeypatch.setenv("USER_HASH_KEY", "a-key-of-at-least-32-characters-for-tests")
    monkeypatch.setattr(db, "_pool", None)
    monkeypatch.setattr(db, "_circuit", db._Circuit())
    config.settings.cache_clear()
    yield
    if db._pool is not None:
        db._pool.close(timeout=1)
    config.settings.cache_clear()
