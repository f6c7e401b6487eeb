"""Chat and menus without a database: nothing is remembered, nothing is counted, nobody is told otherwise.

Only for updates that no instance can have stored: this delivery never reached the database, and it is the
first one (`is_first_delivery`). A stored update is finished from the database later, and would be answered
twice. Messages and AI requests have a limit a minute each in one process (FALLBACK_MESSAGES_PER_MINUTE,
FALLBACK_AI_REQUESTS_PER_MINUTE). Whatever touches money, keys or settings is refused with a plain word.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass
from decimal import Decimal
from time import monotonic
from typing import Generic, TypeVar

from shared.core import clock, log, texts
from shared.core.config import settings
from shared.core.errors import TelegramError
from shared.telegram import outbox
from shared.telegram.bot import Bot
from shared.telegram.context import StateUnavailable, UpdateContext, Usage, User
from shared.telegram.pipeline import (
    DONE,
    SENDING_TIME,
    WebhookResponse,
    answer_callback_query,
    retry_later,
    run_handler,
    split_calls,
)
from shared.telegram.update import Update

# Up to which age of a message (its date is in whole seconds) a delivery counts as the first. The first takes
# some tenths of a second. The next comes after our Retry-After (pipeline.SHORTEST_PAUSE or more) or after
# Telegram's own 60 s; what the pause is longer by is how far our clock may be behind Telegram's.
FIRST_DELIVERY_SECONDS = 3.0
_KINDS = ("message", "edited_message", "callback_query")
_DATES = {"message": "date", "edited_message": "edit_date"}  # where an update says when it happened
_REMEMBERED = 1000  # updates a process remembers, for their redeliveries
T = TypeVar("T")
Key = tuple[str, int, int | None]  # numbers may restart after a quiet week, so the date is part of it


class _Memory(Generic[T]):
    """The latest updates of this process, each with a value."""

    def __init__(self) -> None:
        self._values: OrderedDict[Key, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key) -> T | None:
        return self._values.get(key)

    def add(self, key: Key, value: T) -> bool:
        """Keep the value; returns whether the update was unknown."""
        with self._lock:
            is_new = key not in self._values
            self._values[key] = value
            if len(self._values) > _REMEMBERED:
                self._values.popitem(last=False)
        return is_new


class _Limit:
    """At most so many a minute in this process."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()
        self._lock = threading.Lock()

    def allows(self, per_minute: int) -> bool:
        now = monotonic()
        with self._lock:
            while self._times and self._times[0] < now - 60:
                self._times.popleft()
            if len(self._times) >= per_minute:
                return False
            self._times.append(now)
            return True


_messages = _Limit()
_requests = _Limit()
_answered: _Memory[WebhookResponse] = _Memory()
_delivered: _Memory[None] = _Memory()
_started = clock.timestamp()  # seconds since 1970; a predecessor that crashed had its updates before it


@dataclass(frozen=True)
class Delivery:
    """One delivery of an update to this process. `arrived` is in seconds since 1970."""

    update: Update
    arrived: float
    is_repeated: bool  # this process has had one of the same update


def _start() -> None:
    global _started  # noqa: PLW0603 - gunicorn forks a new worker for one that crashed
    _started = clock.timestamp()


os.register_at_fork(after_in_child=_start)


def record_delivery(update: Update) -> Delivery:
    """Remember a delivery before anything is done about it."""
    return Delivery(update, clock.timestamp(), not _delivered.add(_key(update), None))


def previous_answer(update: Update) -> WebhookResponse | None:
    """Return what this process has answered without a database; a redelivery gets it again."""
    return _answered.get(_key(update))


def is_answerable(update: Update) -> bool:
    """Return whether an update may be answered without a database: messages and buttons, not about money."""
    return update.kind in _KINDS and not update.is_payment_update and update.migration is None


def is_first_delivery(delivery: Delivery) -> bool:
    """Return whether no instance can have stored this update before.

    Telegram does not number its attempts, so the date decides: the message was sent seconds ago, and since
    this process started. What has no date of its own (buttons) is never provably new, nor is anything
    while our clock is behind Telegram's.
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
    """Return when the update happened, in seconds since 1970; None where it does not say."""
    date = update.content.get(_DATES.get(update.kind, ""))
    return date if type(date) is int else None


def process(bot: Bot, update: Update) -> WebhookResponse:
    """Answer one update without a database."""
    answer = _process(bot, update)
    if answer.status == 200:
        _answered.add(_key(update), answer)
    tell = log.warning if settings().database_enabled else log.info
    tell(
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
    # Takes an AI request, which a refused message must not.
    allowed = update.is_plain_text and _requests.allows(settings().fallback_ai_requests_per_minute)
    context = offline_context(bot, update, may_ask_ai=allowed)
    try:
        run_handler(context)
    except StateUnavailable:
        _say_unavailable(context)
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


def _say_unavailable(context: UpdateContext) -> None:
    context.calls.clear()
    key = "offline_unavailable" if settings().database_enabled else "disabled_unavailable"
    if context.update.kind == "callback_query":
        context.answer_callback(context.text(key), alert=True)
    else:
        context.reply(context.rich(key))


def _answer(context: UpdateContext) -> WebhookResponse:
    """Send what does not fit into the response; without a database nothing can be kept for later."""
    context.needs_delivery_result = False
    body, first = split_calls(context, has_response=True)
    answer_callback_query(context)
    for number, call in enumerate(first):
        try:
            outbox.send(context.bot.name, call["method"], call["parameters"], context.deadline + SENDING_TIME)
        except TelegramError as error:
            log.warning("a part was lost", action="call_lost", bot=context.bot.name, reason=str(error))
            # What has begun to arrive is not begun again, and the rest makes no sense without this part.
            return retry_later(5) if error.is_temporary and number == 0 else DONE
    return WebhookResponse(body=body)


def offline_context(bot: Bot, update: Update, *, may_ask_ai: bool = False) -> UpdateContext:
    """Return a unit of work that knows nothing but what the update says, and changes nothing."""
    user = update.user or {"id": update.chat_id}
    return UpdateContext(
        bot=bot,
        update=update,
        user=User(
            id=0,
            telegram_id=user["id"],
            name=update.sender_name,
            is_new=False,
            balance=Decimal(0),
            currency="",
            created_at=None,
            is_admin=user["id"] in settings().admin_telegram_ids,
        ),
        usage=Usage(
            plan="FREE",
            requests=0,
            daily_requests=None,
            resets_at=clock.now(),
            timezone="UTC",
            features=frozenset({"modes"}),  # what a button may say; nothing can be chosen now
        ),
        language=texts.choose(user.get("language_code")),
        mode="chat",
        data={},
        history=[],
        reservation="reserved" if may_ask_ai else "refused",
        attempt=0,
        failures=0,
        deadline=monotonic() + settings().response_timeout,
        is_offline=True,
    )
