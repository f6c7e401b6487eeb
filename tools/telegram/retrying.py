"""A call of the Bot API by somebody who has the time to wait for its answer."""

from __future__ import annotations

from time import sleep
from typing import Any

from shared.core.errors import TelegramError
from shared.telegram import api

ATTEMPTS = 6
LONGEST = 60.0  # seconds; who is told to wait for longer had better come back than sit there


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
