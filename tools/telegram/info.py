"""Reads getWebhookInfo aloud, and says what of it is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from telebot.util import update_types

# An error older than this, with nothing waiting, is history: Telegram keeps showing the last one for ever.
RECENT = timedelta(hours=1)
# What an absent allowed_updates leaves out (Bot API: setWebhook).
NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
SET_IT = ": run ./switchboard telegram set-webhooks"
_NEVER = datetime.fromtimestamp(0, UTC)


def lines(info: dict[str, Any]) -> Iterator[str]:
    """Yield lines that describe a webhook."""
    yield f"address   {info.get('url') or 'none'}"
    yield f"waiting   {info.get('pending_update_count', 0)}"
    yield f"at once   {info.get('max_connections', 'Telegram’s default')}"
    yield f"updates   {', '.join(info.get('allowed_updates') or ['Telegram’s default'])}"
    if message := info.get("last_error_message"):
        yield f"error     {_when(info, 'last_error_date'):%Y-%m-%d %H:%M:%S} UTC: {message}"


def is_set(info: dict[str, Any], url: str, kinds: tuple[str, ...]) -> bool:
    """Return whether a webhook is at `url` and brings `kinds` of updates."""
    return info.get("url") == url and set(kinds) <= _allowed(info)


def problems(info: dict[str, Any], url: str, kinds: tuple[str, ...], now: datetime) -> Iterator[str]:
    """Yield what is wrong with a webhook that should be at `url` and bring `kinds` of updates."""
    if not info.get("url"):
        yield f"no webhook is set{SET_IT}"
        return
    if info["url"] != url:
        yield f"the address should be {url}{SET_IT}"
    if missing := [kind for kind in kinds if kind not in _allowed(info)]:
        yield f"{', '.join(missing)} will not come{SET_IT}"
    waiting = info.get("pending_update_count", 0)
    if waiting:
        yield f"updates wait: {waiting} (on a busy bot a few are always under way: look again)"
    if info.get("last_error_message") and (waiting or now - _when(info, "last_error_date") < RECENT):
        yield f"deliveries fail: {info['last_error_message']}"
    if now - _when(info, "last_synchronization_error_date") < RECENT:
        yield "Telegram's own servers could not agree on this webhook: look again in some minutes"


def _allowed(info: dict[str, Any]) -> frozenset[str]:
    return frozenset(info.get("allowed_updates") or frozenset(update_types) - NOT_BY_DEFAULT)


def _when(info: dict[str, Any], key: str) -> datetime:
    return datetime.fromtimestamp(info[key], UTC) if info.get(key) else _NEVER
