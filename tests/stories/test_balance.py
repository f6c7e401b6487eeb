"""Balance added by another service is shown in the next profile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tools.emulator.stack import Stack


def test_the_profile_shows_the_current_balance(
    stack: Stack, sql: Callable[..., list[dict[str, Any]]]
) -> None:
    chat = stack.telegram.user("Анна", language_code="ru").chat("assistant")
    chat.send("/profile")
    profile = chat.answer()
    assert "Баланс: 0\u00a0₽" in profile.text
    sql("select adjust_balance(%s, 12.34, 'bonus', %s)", chat.id, f"shop:{chat.id}")
    chat.send("/profile")
    assert "Баланс: 12,34\u00a0₽" in chat.answer().text
