"""Answers chat and menus without a database; nothing is stored or counted.

Only for updates that no instance can have stored: the statement never reached the database, and this is the
first delivery (`is_first_delivery`). A stored update is finished from the database later and would be
answered twice. Messages and AI requests are rate-limited per process (FALLBACK_MESSAGES_PER_MINUTE,
FALLBACK_AI_REQUESTS_PER_MINUTE). Handlers of payments, keys and settings answer "unavailable".
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass
from time import monotonic
from typing import Generic, TypeVar

from shared.core import clock, log
from shared.core.config import settings
from shared.core.errors import TelegramError
from shared.telegram import outbox
from shared.telegram.bot import Bot
from shared.telegram.context import StateUnavailable, UpdateContext
from shared.telegram.context_loading import offline_context
from shared.telegram.pipeline import SENDING_TIME, answer_callback_query, run_handler, split_calls
from shared.telegram.responses import DONE, WebhookResponse, retry_later
from shared.telegram.update import Update

# Maximum age of a message (its date has whole seconds) in a first delivery, which takes some tenths of a
# second. A redelivery comes after our Retry-After (responses.SHORTEST_PAUSE or more) or after 60 s. The
# difference is how far our clock may be behind Telegram's.
FIRST_DELIVERY_SECONDS = 3.0
_KINDS = ("message", "edited_message", "callback_query")
_DATES = {"message": "date", "edited_message": "edit_date"}  # the field with the time of the update
_CAPACITY = 1000  # updates that a process remembers, to recognize redeliveries
T = TypeVar("T")
Key = tuple[str, int, int | None]  # update_id may restart after a quiet week, so the date is part of the key


class _RecentUpdates(Generic[T]):
    """A thread-safe map from the most recent updates of this process to values."""

    def __init__(self) -> None:
        self._values: OrderedDict[Key, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key) -> T | None:
        return self._values.get(key)

    def add(self, key: Key, value: T) -> bool:
        """Store the value; return True if the update was not known."""
        with self._lock:
            is_new = key not in self._values
            self._values[key] = value
            if len(self._values) > _CAPACITY:
                self._values.popitem(last=False)
        return is_new


class _RateLimit:
    """A sliding-window rate limit of this process."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()
        self._lock = threading.Lock()

    def allows(self, per_minute: int) -> bool:
        """Count one event and return True, unless the last minute has `per_minute` events already."""
        now = monotonic()
        with self._lock:
            while self._times and self._times[0] < now - 60:
                self._times.popleft()
            if len(self._times) >= per_minute:
                return False
            self._times.append(now)
            return True


_messages = _RateLimit()
_requests = _RateLimit()
_answered: _RecentUpdates[WebhookResponse] = _RecentUpdates()
_delivered: _RecentUpdates[None] = _RecentUpdates()
_started = clock.timestamp()  # seconds since 1970; a crashed predecessor may have stored older updates


@dataclass(frozen=True)
class Delivery:
    """One delivery of an update to this process. `arrived` is in seconds since 1970."""

    update: Update
    arrived: float
    is_repeated: bool  # this process has already received the same update


def _reset_start() -> None:
    global _started  # noqa: PLW0603 - gunicorn forks a new worker to replace a crashed one
    _started = clock.timestamp()


os.register_at_fork(after_in_child=_reset_start)


def record_delivery(update: Update) -> Delivery:
    """Remember a delivery before it is processed."""
    return Delivery(update, clock.timestamp(), not _delivered.add(_key(update), None))


def previous_answer(update: Update) -> WebhookResponse | None:
    """Return the response that this process gave without a database; a redelivery gets the same one."""
    return _answered.get(_key(update))


def is_answerable(update: Update) -> bool:
    """Return whether the update is a message or button that is no payment update."""
    return update.kind in _KINDS and not update.is_payment_update and update.migration is None


def is_first_delivery(delivery: Delivery) -> bool:
    """Return whether no instance can have stored this update before.

    Telegram does not number its attempts, so the date decides: the message was sent seconds ago and after
    this process started. Callback queries have no date and are never provably new; nor is any update while
    our clock is behind Telegram's.
    """
    update = delivery.update
    if not settings().database_enabled:  # nothing is ever stored
        return is_answerable(update)
    sent = _date(update)
    return (
        sent is not None
        and is_answerable(update)
        and not delivery.is_repeated
        and sent >= _started
        and 0 <= delivery.arrived - sent < FIRST_DELIVERY_SECONDS
    )


def _key(update: Update) -> Key:
    return update.bot, update.update_id, _date(update)


def _date(update: Update) -> int | None:
    """Return the time of the update in seconds since 1970; None if it has no date."""
    date = update.content.get(_DATES.get(update.kind, ""))
    return date if type(date) is int else None


def process(bot: Bot, update: Update) -> WebhookResponse:
    """Answer one update without a database."""
    answer = _process(bot, update)
    if answer.status == 200:
        _answered.add(_key(update), answer)
    write = log.warning if settings().database_enabled else log.info
    write(
        "answered without a database",
        action="update_offline",
        bot=bot.name,
        status=answer.status,
        update_id=update.update_id,
    )
    return answer


def _process(bot: Bot, update: Update) -> WebhookResponse:
    if not _messages.allows(settings().fallback_messages_per_minute):
        return retry_later(5)
    # Only after the message limit: a refused message must not consume an AI request.
    allowed = update.is_plain_text and _requests.allows(settings().fallback_ai_requests_per_minute)
    context = offline_context(bot, update, may_ask_ai=allowed)
    try:
        run_handler(context)
    except StateUnavailable:
        _reply_unavailable(context)
    except Exception as error:
        log.error(
            "the handler failed",
            action="handler_failed",
            bot=context.bot.name,
            error=str(error),
            offline=True,
        )
        return retry_later(5)
    return _answer(context)


def _reply_unavailable(context: UpdateContext) -> None:
    context.calls.clear()
    key = "offline_unavailable" if settings().database_enabled else "disabled_unavailable"
    if context.update.kind == "callback_query":
        context.answer_callback(context.text(key), alert=True)
    else:
        context.reply(context.rich(key))


def _answer(context: UpdateContext) -> WebhookResponse:
    """Make the calls that the response cannot carry. Without a database, nothing is retried later."""
    context.needs_delivery_result = False
    body, first = split_calls(context, has_response=True)
    answer_callback_query(context)
    for number, call in enumerate(first):
        try:
            outbox.send(context.bot.name, call["method"], call["parameters"], context.deadline + SENDING_TIME)
        except TelegramError as error:
            log.warning("a message was lost", action="call_lost", bot=context.bot.name, reason=str(error))
            # Retry only if nothing was sent. After a lost part, the remaining parts make no sense.
            return retry_later(5) if error.is_temporary and number == 0 else DONE
    return WebhookResponse(body=body)
