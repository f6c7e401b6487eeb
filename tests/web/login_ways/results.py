"""What a login leads to: a page that says why it failed, or a session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shared.core.texts import text
from tests.web.conftest import Answer
from tools.emulator.telegram.users import TelegramUser

Sql = Callable[..., list[dict[str, Any]]]


def failure(answer: Answer, key: str) -> bool:
    """Return whether a page says why the login failed."""
    return 'role="alert"' in answer.body and text("en", key) in answer.body


def sessions_of(sql: Sql, user: TelegramUser) -> list[dict[str, Any]]:
    """Return the ways in which a user is logged in."""
    found = "select s.way from user_sessions s join users u on u.id = s.user_id where u.telegram_id = %s"
    return sql(found, user.id)
