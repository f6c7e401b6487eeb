"""Shared types and messages of the tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shared.ai.chat import ChatAnswer

Ask = Callable[..., ChatAnswer]
Lines = Callable[..., list[dict[str, Any]]]

KEY = "sk-proj-0123456789abcdefghij"
MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]
