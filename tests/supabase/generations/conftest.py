"""Fixtures of other areas that the tests of pictures and videos use, and a user."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from tests.supabase.admins.conftest import boss, refused
from tests.supabase.generations.jobs import Call, Painter, Sql, contradictions
from tests.supabase.privacy.conftest import connect, make_user

__all__ = ["boss", "connect", "make_user", "refused"]


@pytest.fixture
def anna(sql: Sql, call: Call) -> Painter:
    """Return a user with the free plan, 10 bonus credits and 500 on the balance."""
    return Painter(sql, call, bonus=10, balance="500")


@pytest.fixture
def setting(sql: Sql) -> Callable[[str, float], None]:
    """Change a number in private.settings."""

    def change(key: str, value: float) -> None:
        sql("update private.settings set value = %s::jsonb where key = %s", json.dumps(value), key)

    return change


@pytest.fixture(autouse=True)
def consistent(sql: Sql) -> Iterator[None]:
    """Check after each test that jobs, ledger, balances and quota agree."""
    yield
    assert contradictions(sql) == []
