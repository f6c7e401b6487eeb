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
from shared.telegram.incoming import Incoming
from shared.telegram.pipeline import DONE, SENDING_TIME, Answer, later, run_handler, send_toast, split_calls
from shared.telegram.unit import Person, StateUnavailable, Unit, Usage

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
_answered: _Memory[Answer] = _Memory()
_delivered: _Memory[None] = _Memory()
_started = clock.timestamp()  # seconds since 1970; a predecessor that crashed had its updates before it


@dataclass(frozen=True)
class Delivery:
    """One delivery of an update to this process. `arrived` is in seconds since 1970."""

    incoming: Incoming
    arrived: float
    is_repeated: bool  # this process has had one of the same update


def _start() -> None:
    global _started  # noqa: PLW0603 - gunicorn forks a new worker for one that crashed
    _started = clock.timestamp()


os.register_at_fork(after_in_child=_start)


def note_delivery(incoming: Incoming) -> Delivery:
    """Remember a delivery before anything is done about it."""
    return Delivery(incoming, clock.timestamp(), not _delivered.add(_key(incoming), None))


def earlier_answer(incoming: Incoming) -> Answer | None:
    """Return what this process has answered without a database; a redelivery gets it again."""
    return _answered.get(_key(incoming))


def is_answerable(incoming: Incoming) -> bool:
    """Return whether an update may be answered without a database: messages and buttons, not about money."""
    return incoming.kind in _KINDS and not incoming.is_about_money and incoming.migration is None


def is_first_delivery(delivery: Delivery) -> bool:
    """Return whether no instance can have stored this update before.

    Telegram does not number its attempts, so the date decides: the message was sent seconds ago, and since
    this process started. What has no date of its own (buttons) is never provably new, nor is anything
    while our clock is behind Telegram's.
    """
    incoming = delivery.incoming
    if not settings().database_enabled:  # nothing is ever stored
        return is_answerable(incoming)
    sent = _date(incoming)
    return (
        sent is not None
        and is_answerable(incoming)
        and not delivery.is_repeated
        and sent >= _started
        and 0 <= delivery.arrived - sent < FIRST_DELIVERY_SECONDS
    )


def _key(incoming: Incoming) -> Key:
    return incoming.bot, incoming.update_id, _date(incoming)


def _date(incoming: Incoming) -> int | None:
    """Return when the update happened, in seconds since 1970; None where it does not say."""
    date = incoming.content.get(_DATES.get(incoming.kind, ""))
    return date if type(date) is int else None


def process(bot: Bot, incoming: Incoming) -> Answer:
    """Answer one update without a database."""
    answer = _process(bot, incoming)
    if answer.status == 200:
        _answered.add(_key(incoming), answer)
    tell = log.warning if settings().database_enabled else log.info
    tell(
        "answered without a database",
        action="update_offline",
        bot=bot.name,
        status=answer.status,
        update_id=incoming.update_id,
    )
    return answer


def _process(bot: Bot, incoming: Incoming) -> Answer:
    if not _messages.allows(settings().fallback_messages_per_minute):
        return later(5)
    # Takes an AI request, which a refused message must not.
    allowed = incoming.is_plain_text and _requests.allows(settings().fallback_ai_requests_per_minute)
    unit = unit_of_nothing(bot, incoming, may_ask_ai=allowed)
    try:
        run_handler(unit)
    except StateUnavailable:
        _say_unavailable(unit)
    except Exception as error:
        log.error(
            "the handler failed", action="handler_failed", bot=unit.bot.name, error=str(error), offline=True
        )
        return later(5)
    return _answer(unit)


def _say_unavailable(unit: Unit) -> None:
    unit.calls.clear()
    key = "offline_unavailable" if settings().database_enabled else "disabled_unavailable"
    if unit.incoming.kind == "callback_query":
        unit.notice(unit.text(key), alert=True)
    else:
        unit.reply(unit.rich(key))


def _answer(unit: Unit) -> Answer:
    """Send what does not fit into the response; without a database nothing can be kept for later."""
    unit.is_certain = False
    body, first = split_calls(unit, has_response=True)
    send_toast(unit)
    for number, call in enumerate(first):
        try:
            outbox.send(unit.bot.name, call["method"], call["parameters"], unit.deadline + SENDING_TIME)
        except TelegramError as error:
            log.warning("a part was lost", action="call_lost", bot=unit.bot.name, reason=str(error))
            # What has begun to arrive is not begun again, and the rest makes no sense without this part.
            return later(5) if error.is_temporary and number == 0 else DONE
    return Answer(body=body)


def unit_of_nothing(bot: Bot, incoming: Incoming, *, may_ask_ai: bool = False) -> Unit:
    """Return a unit of work that knows nothing but what the update says, and changes nothing."""
    person = incoming.person or {"id": incoming.chat_id}
    return Unit(
        bot=bot,
        incoming=incoming,
        person=Person(
            id=0,
            telegram_id=person["id"],
            name=incoming.sender_name,
            is_new=False,
            balance=Decimal(0),
            currency="",
            created_at=None,
            is_admin=person["id"] in settings().admin_telegram_ids,
        ),
        usage=Usage(
            plan="FREE",
            requests=0,
            daily_requests=None,
            resets_at=clock.now(),
            timezone="UTC",
            features=frozenset({"modes"}),  # what a button may say; nothing can be chosen now
        ),
        language=texts.choose(person.get("language_code")),
        mode="chat",
        data={},
        history=[],
        reservation="reserved" if may_ask_ai else "refused",
        attempt=0,
        failures=0,
        deadline=monotonic() + settings().response_timeout,
        is_offline=True,
    )
