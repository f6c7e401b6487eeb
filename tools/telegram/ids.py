"""Reads who wrote to a bot that has no webhook yet: an owner finds their Telegram id before deploying."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core.errors import ConfigError, TelegramError
from tools.telegram import retrying

if TYPE_CHECKING:
    from tools.telegram.payloads import User

_CONFLICT = 409  # what getUpdates answers while a webhook is set


def recent_users(name: str) -> dict[int, str]:
    """Return id and name of the users whose messages to a bot wait at Telegram; nothing is taken away.

    Raises:
        ConfigError: the bot has a webhook, so Telegram delivers its updates only there.
        TelegramError: Telegram refused or could not be reached.
    """
    from tools.telegram.payloads import Update

    try:
        updates = retrying.read(list[Update], name, "getUpdates", {"timeout": 0, "limit": 100})
    except TelegramError as error:
        if error.status != _CONFLICT:
            raise
        raise ConfigError(f"{name} has a webhook: write /whoami to it, and it answers with your id") from None
    senders = [update.sender for update in updates]
    return {sender.id: _label(sender) for sender in senders if sender is not None}


def _label(sender: User) -> str:
    username = f" (@{sender.username})" if sender.username else ""
    return f"{sender.shown_name}{username}".strip()
