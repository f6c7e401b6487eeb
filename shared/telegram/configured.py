"""Which bots this deployment has, for what concerns all of them."""

from __future__ import annotations

from shared import bots
from shared.core.config import settings


def names() -> list[str]:
    """Return the bots that are configured in this deployment."""
    return [name for name in bots.names() if name in settings().bot_tokens]


def with_command(command: str) -> list[str]:
    """Return the bots in which everyone can use a command."""
    return [name for name in names() if bots.load(name).has_command(command)]
