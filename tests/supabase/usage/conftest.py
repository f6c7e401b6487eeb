from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.supabase.usage.users import Sql, Update, served_user

_numbers = itertools.count(4_000_000_000)


@pytest.fixture
def anna(sql: Sql) -> int:
    """Return the Telegram id of a user who has written before."""
    return served_user(sql)


@pytest.fixture
def setting(sql: Sql) -> Callable[[str, float], None]:
    """Change a number in private.settings."""

    def change(key: str, value: float) -> None:
        sql("update private.settings set value = %s::jsonb where key = %s", json.dumps(value), key)

    return change


@pytest.fixture(autouse=True)
def no_limits(setting: Callable[[str, float], None]) -> None:
    """Remove limits that a test does not set: these tests leave questions open and record high costs."""
    setting("questions_in_progress", 1000)
    setting("daily_cost_user", 0)
    setting("daily_cost_bot", 0)


@pytest.fixture
def ask(call: Callable[..., Any]) -> Callable[..., Update]:
    """Receive an update of a user as the pipeline does, with a reservation."""

    def receive(telegram_id: int, bot: str = "assistant") -> Update:
        return Update(call, bot, next(_numbers), telegram_id)

    return receive


@pytest.fixture
def limits(sql: Sql) -> Callable[..., None]:
    """Change the limits of the free plan, as `limits(monthly_requests=3)`."""

    def change(**values: Any) -> None:
        for name, value in values.items():
            sql(f"update subscription_limits set {name} = %s where plan = 'FREE'", value)

    return change
