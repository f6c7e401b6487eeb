"""Chat and menus without a database: nothing is remembered, nothing is counted, nobody is told otherwise.

Only for updates that provably never reached the database, and only as much as one process can answer for:
messages and AI requests have a limit a minute each (FALLBACK_MESSAGES_PER_MINUTE,
FALLBACK_AI_REQUESTS_PER_MINUTE). Whatever touches money, keys or settings is refused with a plain word.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from datetime import UTC, datetime
from decimal import Decimal
from time import monotonic
from typing import TypeVar

from shared import log, texts
from shared.config import settings
from shared.errors import TelegramError
from shared.telegram import outbox
from shared.telegram.bot import Bot
from shared.telegram.incoming import Incoming
from shared.telegram.pipeline import DONE, SENDING_TIME, Answer, later, run_handler, send_toast, split_calls
from shared.telegram.unit import Person, StateUnavailable, Unit, Usage

T = TypeVar("T")
_KINDS = ("message", "edited_message", "callback_query")
_REMEMBERED = 1000  # updates a process remembers, for their redeliveries


def _remember(memory: OrderedDict[tuple[str, int], T], key: tuple[str, int], value: T) -> None:
    memory[key] = value
    while len(memory) > _REMEMBERED:
        memory.popitem(last=False)


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
_answered: OrderedDict[tuple[str, int], Answer] = OrderedDict()
_reached: OrderedDict[tuple[str, int], None] = OrderedDict()


def can_answer(incoming: Incoming) -> bool:
    """Whether this update may be answered from nothing; others wait until the database is back.

    One whose earlier delivery reached the database waits too: its work will be finished from there.
    """
    return (
        incoming.kind in _KINDS
        and not incoming.is_about_money
        and (incoming.bot, incoming.update_id) not in _reached
    )


def note_reached(incoming: Incoming) -> None:
    """Remember that a delivery of this update has, or may have, reached the database."""
    _remember(_reached, (incoming.bot, incoming.update_id), None)


def process(bot: Bot, incoming: Incoming) -> Answer:
    """Answer one update without a database."""
    key = (bot.name, incoming.update_id)
    if key in _answered:
        return _answered[key]
    answer = _process(bot, incoming)
    if answer.status == 200:
        _remember(_answered, key, answer)
    log.warning(
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
    if unit.incoming.kind == "callback_query":
        unit.notice(unit.text("offline_unavailable"), alert=True)
    else:
        unit.reply(unit.rich("offline_unavailable"))


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
            first_name=person.get("first_name", ""),
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
            resets_at=datetime.now(UTC),
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
