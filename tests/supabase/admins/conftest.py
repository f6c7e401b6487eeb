"""Admins and users for the tests of admin functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.supabase.admins.users import BOSS, Call, Sql, new_user
from tools.database import admins


@pytest.fixture
def boss(database_url: str) -> str:
    """Create the only admin; return the e-mail address."""
    admins.write(database_url, {"ADMIN_EMAILS": BOSS, "ADMIN_TELEGRAM_IDS": "777000111"})
    return BOSS


@pytest.fixture
def user(sql: Sql) -> int:
    """Create a user; return users.id."""
    return new_user(sql)


@pytest.fixture
def refused(call: Call) -> Callable[..., str | None]:
    """Return a function that calls an SQL function and returns the SQLSTATE of its error."""

    def run(function: str, **values: Any) -> str | None:
        with pytest.raises(psycopg.Error) as caught:
            call(function, **values)
        return caught.value.sqlstate

    return run
