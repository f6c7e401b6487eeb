"""Reads getWebhookInfo aloud, and says what is wrong with it and with inline mode."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from telebot.util import update_types

from shared import bots

if TYPE_CHECKING:
    from tools.telegram.payloads import WebhookInfo

INLINE_QUERY = "inline_query"  # the kind of update
# An error older than this, with nothing waiting, is history: Telegram keeps showing the last one for ever.
RECENT = timedelta(hours=1)
# What an absent allowed_updates leaves out (Bot API: setWebhook).
NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
SET_IT = ": run ./switchboard telegram set-webhooks"


def lines(info: WebhookInfo) -> Iterator[str]:
    """Yield lines that describe a webhook."""
    yield f"address   {info.url or 'none'}"
    yield f"waiting   {info.pending_update_count}"
    yield f"at once   {info.max_connections or 'Telegram’s default'}"
    yield f"updates   {', '.join(info.allowed_updates) or 'Telegram’s default'}"
    if info.last_error_message:
        when = f"{info.last_error_date:%Y-%m-%d %H:%M:%S} UTC: " if info.last_error_date else ""
        yield f"error     {when}{info.last_error_message}"


def is_set(info: WebhookInfo, url: str, kinds: tuple[str, ...]) -> bool:
    """Return whether a webhook is at `url` and brings `kinds` of updates."""
    return info.url == url and set(kinds) <= _allowed(info)


def problems(info: WebhookInfo, url: str, kinds: tuple[str, ...], now: datetime) -> Iterator[str]:
    """Yield what is wrong with a webhook that should be at `url` and bring `kinds` of updates."""
    if not info.url:
        yield f"no webhook is set{SET_IT}"
        return
    if info.url != url:
        yield f"the address should be {url}{SET_IT}"
    if missing := [kind for kind in kinds if kind not in _allowed(info)]:
        yield f"{', '.join(missing)} will not come{SET_IT}"
    waiting = info.pending_update_count
    if waiting:
        yield f"updates wait: {waiting} (on a busy bot a few are always under way: look again)"
    if info.last_error_message and (waiting or _is_recent(info.last_error_date, now)):
        yield f"deliveries fail: {info.last_error_message}"
    if _is_recent(info.last_synchronization_error_date, now):
        yield "Telegram's own servers could not agree on this webhook: look again in some minutes"


def inline_problems(name: str, is_on_at_botfather: bool, *, has_inline_mode: bool) -> Iterator[str]:
    """Yield how the setting INLINE_MODE and @BotFather's switch (getMe.supports_inline_queries) disagree.

    A bot without a feature that answers inline queries needs neither.
    """
    answers = bots.load(name).handles(INLINE_QUERY)
    if has_inline_mode and answers and not is_on_at_botfather:
        yield (
            "INLINE_MODE is on, but inline mode is off at @BotFather: send it /setinline, and "
            "/setinlinefeedback with 100%"
        )
    if is_on_at_botfather and not (has_inline_mode and answers):
        why = "INLINE_MODE is off" if answers else "the bot has none"
        yield f"inline mode is on at @BotFather, but {why}: turn it off there with /setinline, /empty"


def _allowed(info: WebhookInfo) -> frozenset[str]:
    return frozenset(info.allowed_updates or frozenset(update_types) - NOT_BY_DEFAULT)


def _is_recent(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and now - moment < RECENT
