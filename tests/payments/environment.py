"""Settings for tests that call providers directly, without a function around them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from shared.config import settings

BASE = {
    "DATABASE_URL": "postgresql://bot_backend:none@127.0.0.1:1/none",
    "BOT_TOKENS": '{"assistant": "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}',
    "TELEGRAM_WEBHOOK_SECRET": "one",
    "ENVIRONMENT": "test",
    "PERSON_HASH_KEY": "a key of a test that is long enough for it",
}


@contextmanager
def variables(**values: str) -> Iterator[None]:
    """Run with these variables, and with those that every process needs."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**BASE, **values}.items():
            patch.setenv(name, value)
        settings.cache_clear()
        try:
            yield
        finally:
            settings.cache_clear()
