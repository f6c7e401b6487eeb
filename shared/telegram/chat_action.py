"""Shows "typing…" while a user waits for the AI.

One thread per process serves all waiting users. The first of them starts it (never before gunicorn's fork);
it sleeps while none wait. The first action is delayed, so that a quick answer costs no call.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from math import inf
from time import monotonic, sleep

from shared.core import log
from shared.core.errors import TelegramError
from shared.core.json_types import JsonObject
from shared.telegram import api
from shared.telegram.context import UpdateContext

FIRST_AFTER = 0.4  # seconds
EVERY = 4.8  # seconds; Telegram shows an action for 5
_TICK = 0.1


class _Waiting:
    __slots__ = ("bot", "due", "parameters")

    def __init__(self, bot: str, parameters: JsonObject) -> None:
        self.bot = bot
        self.parameters = parameters
        self.due = monotonic() + FIRST_AFTER


class _Ticker:
    def __init__(self) -> None:
        self._waiting: set[_Waiting] = set()
        self._lock = threading.Lock()
        self._has_waiting = threading.Event()
        self._senders = ThreadPoolExecutor(max_workers=8, thread_name_prefix="chat-action")
        threading.Thread(target=self._run, name="chat-action", daemon=True).start()

    def add(self, waiting: _Waiting) -> None:
        with self._lock:
            self._waiting.add(waiting)
        if not self._has_waiting.is_set():  # cleared under the lock, and only while none wait
            self._has_waiting.set()

    def remove(self, waiting: _Waiting) -> None:
        with self._lock:
            self._waiting.discard(waiting)

    def _run(self) -> None:
        while True:
            self._has_waiting.wait()
            sleep(_TICK)
            for waiting in self._due():
                self._senders.submit(self._show, waiting)

    def _due(self) -> list[_Waiting]:
        now = monotonic()
        with self._lock:
            if not self._waiting:
                self._has_waiting.clear()
            due = [waiting for waiting in self._waiting if waiting.due <= now]
            for waiting in due:
                waiting.due = inf  # until this call returns: no queue builds up behind a slow Telegram
        return due

    def _show(self, waiting: _Waiting) -> None:
        with self._lock:
            is_done = waiting not in self._waiting
        if not is_done:
            started = monotonic()
            _send(waiting)
            waiting.due = started + EVERY


def _send(waiting: _Waiting) -> None:
    try:
        api.call(waiting.bot, "sendChatAction", waiting.parameters, timeout=EVERY)
    except TelegramError as error:
        log.debug("no chat action", action="chat_action_failed", bot=waiting.bot, reason=str(error))


_lock = threading.Lock()
_ticker: _Ticker | None = None


def _shared_ticker() -> _Ticker:
    global _ticker  # noqa: PLW0603 - one thread per process, started after the fork
    if _ticker is None:
        with _lock:
            if _ticker is None:
                _ticker = _Ticker()
    return _ticker


class typing:  # noqa: N801 - used as a function: `with typing(context):`
    """Shows "typing…" in the chat of the context until the block ends."""

    def __init__(self, context: UpdateContext) -> None:
        parameters: JsonObject = {"chat_id": context.update.chat_id, "action": "typing"}
        if context.update.thread_id:
            parameters["message_thread_id"] = context.update.thread_id
        self._waiting = _Waiting(context.bot.name, parameters)

    def __enter__(self) -> None:
        _shared_ticker().add(self._waiting)

    def __exit__(self, *_: object) -> None:
        _shared_ticker().remove(self._waiting)
