"""Calls the Bot API and waits when Telegram asks for it."""

from __future__ import annotations

from time import sleep
from typing import Any, TypeVar

from shared.core.errors import TelegramError
from shared.telegram import api

T = TypeVar("T")
ATTEMPTS = 6
LONGEST = 60.0  # seconds; a longer Retry-After ends the command


def call(bot: str, method: str, parameters: dict[str, Any]) -> Any:
    """Call a method and return its result; wait when Telegram says so, and try again what may pass.

    Every method called here is a setter or a getter, so doing it twice does no harm. setWebhook more often
    than once a second is answered 429.

    Raises:
        TelegramError: refused, or still failing after `ATTEMPTS`, or the wait is longer than `LONGEST`.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return api.call(bot, method, parameters)
        except TelegramError as error:
            wait = error.retry_after or 1.0
            if attempt == ATTEMPTS or not error.is_temporary or wait > LONGEST:
                raise
            sleep(wait)
    raise AssertionError("the last attempt returns or raises")


def read(kind: type[T], bot: str, method: str, parameters: dict[str, Any]) -> T:
    """Call a method and return its result as a model, or a list of models.

    Raises:
        TelegramError: as `call`, or the result does not fit the model.
    """
    from tools import validation

    try:
        return validation.parse(kind, call(bot, method, parameters))
    except validation.InvalidData as error:
        raise TelegramError(method, 200, f"the result is unexpected: {error}") from None
