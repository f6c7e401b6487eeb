"""Small helpers of several test files."""

from __future__ import annotations

import functools
import inspect
import itertools
import json
import os
import re
import select
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg.pq import TransactionStatus

from shared import bots
from shared.core import texts
from tools.emulator.telegram import RawResponse, Telegram
from tools.emulator.telegram.users import TelegramUser

_numbers = itertools.count(900_100_000)  # their messages have numbers that no chat of a test reaches
_telegram_ids = itertools.count(8_000_000_000)


def examples(count: int) -> int:
    """How many examples a property test tries: with THOROUGH=1 all, else a third, for the time of a run."""
    return count if os.environ.get("THOROUGH") else max(count // 3, 5)


# For tests of half a minute and more whose code seldom changes.
thorough = pytest.mark.skipif(not os.environ.get("THOROUGH"), reason="takes long: set THOROUGH=1")


def for_each(
    name: str, values: Iterable[Any] | Callable[[], Iterable[Any]]
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Run a test once, with every value in turn, and name each value that fails.

    For long lists of quick checks, and lists that take time to make (then given as a function):
    `pytest.mark.parametrize` costs every worker that time.
    """

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def check_all(*args: Any, **fixtures: Any) -> None:
            faults = []
            all_values = list(values() if callable(values) else values)
            assert all_values, f"no {name} to check"
            for value in all_values:
                try:
                    test(*args, **fixtures, **{name: value})
                except AssertionError as error:
                    faults.append(f"{value}: {error}")
                except Exception as error:
                    error.add_note(f"with {name} = {value}")
                    raise
            assert not faults, "\n".join(faults)

        signature = inspect.signature(test)
        others = [parameter for parameter in signature.parameters.values() if parameter.name != name]
        check_all.__signature__ = signature.replace(parameters=others)  # type: ignore[attr-defined]
        return check_all

    return decorate


class Connections:
    """Connections to one database, for one call or test each: a new one costs more than most calls.

    It signs in, and its server process reads the catalogue and compiles each function anew.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._idle: list[psycopg.Connection[Any]] = []

    @contextmanager
    def one(self) -> Iterator[psycopg.Connection[Any]]:
        """Lend a connection, in autocommit and without a session's settings of an earlier borrower."""
        connection = self._take()
        try:
            yield connection
        finally:
            if connection.closed or connection.info.transaction_status != TransactionStatus.IDLE:
                connection.close()
            else:
                self._idle.append(connection)

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _take(self) -> psycopg.Connection[Any]:
        while self._idle:
            connection = self._idle.pop()
            # Nothing is to be read from an idle one but its end: a test may have stopped the server.
            if not select.select([connection.fileno()], [], [], 0)[0]:
                connection.execute("reset all")
                return connection
            connection.close()
        return psycopg.connect(self._url, autocommit=True, prepare_threshold=None)


def new_telegram_id() -> int:
    """Return a new Telegram id, for users who do not come from the emulator."""
    return next(_telegram_ids)


def new_update_id() -> int:
    """Return a number that no other update has."""
    return next(_numbers)


def message_update(user: TelegramUser, text: str, **message: Any) -> dict[str, Any]:
    """A message as Telegram would deliver it, with a number of its own, outside the emulator's queues."""
    number = new_update_id()
    sender = user.account.json()
    return {
        "update_id": number,
        "message": {
            "message_id": number % 1_000_000,
            "from": sender,
            "chat": {"id": user.id, "type": "private", "first_name": sender["first_name"]},
            "date": int(time.time()),
            "text": text,
            **_command(text),
            **message,
        },
    }


def _command(text: str) -> dict[str, Any]:
    if not text.startswith("/"):
        return {}
    return {"entities": [{"type": "bot_command", "offset": 0, "length": len(text.split(maxsplit=1)[0])}]}


def started_user(telegram: Telegram, bot: str = "assistant", name: str = "Anna") -> TelegramUser:
    """A new user who has spoken with the bot already: it may write to them."""
    user = telegram.user(name)
    chat = user.chat(bot)
    chat.send("/start" if bot == "assistant" else "/show").wait()
    chat.answer()
    return user


def in_parallel(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Do `work(0) … work(count - 1)` at the same time and return the results in order."""
    with ThreadPoolExecutor(max_workers=count) as pool:
        return list(pool.map(work, range(count)))


def deliver_until_done(
    telegram: Telegram, update: dict[str, Any], bot: str, seconds: float = 60
) -> RawResponse:
    """Deliver an update as Telegram does: again and again until it is taken."""
    deadline = time.monotonic() + seconds
    while True:
        response = telegram.deliver(update, bot)
        if 200 <= response.status < 300:
            return response
        assert time.monotonic() < deadline, f"still {response.status} after {seconds} s"
        time.sleep(0.1)


def calls_with_preview(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the calls for whose addresses Telegram would fetch a preview."""
    return [
        call
        for call in calls
        if "text" in call["parameters"]
        and call["method"] != "answerCallbackQuery"
        and call["parameters"].get("link_preview_options") != {"is_disabled": True}
    ]


def dead_buttons(calls: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Return (bot, callback data) of the buttons that a bot sent and none of its features handles."""
    sent = {
        (call["bot"], button["callback_data"])
        for call in calls
        for row in _markup(call).get("inline_keyboard", [])
        for button in row
        if "callback_data" in button
    }
    return {(bot, data) for bot, data in sent if bot in bots.names() and not _is_handled(bot, data)}


def _markup(call: dict[str, Any]) -> dict[str, Any]:
    markup = call["parameters"].get("reply_markup") or {}
    return json.loads(markup) if isinstance(markup, str) else markup  # text where a file is sent with it


@functools.cache
def _is_handled(bot: str, data: str) -> bool:
    patterns = (one.data for feature in bots.load(bot).features for one in feature.router.handlers)
    return any(pattern is not None and pattern.fullmatch(data) for pattern in patterns)


def eventually(check: Callable[[], Any], seconds: float = 30) -> Any:
    """Return the first true result of `check` within some seconds."""
    deadline = time.monotonic() + seconds
    while not (result := check()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)
    return result


def says(text: str, key: str, language: str = "en", **values: Any) -> bool:
    """Whether `text` holds the text `key` of a language, with these values and any others."""
    found = re.search(_pattern(key, language, tuple(sorted(values.items()))), text, re.DOTALL)
    return found is not None


@functools.lru_cache(maxsize=256)
def _pattern(key: str, language: str, values: tuple[tuple[str, Any], ...]) -> str:
    template = "".join(piece.content for piece in texts._pieces(language, key))
    known, parts, end = dict(values), [], 0
    for field in texts._FIELD.finditer(template):
        value = texts._fill(field[0], language, known) if field[1] in known else None
        parts += [re.escape(template[end : field.start()]), ".*?" if value is None else re.escape(value)]
        end = field.end()
    return "".join([*parts, re.escape(template[end:])])
