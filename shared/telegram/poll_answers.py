"""Answers to polls. They name no chat, so they have no session; a SQL function stores each one once.

A poll may be forwarded, so any user may answer it, also one whom no bot has seen. The handler's SQL function
creates the user, applies bans, and recognizes a repeated delivery by poll and user.
"""

from __future__ import annotations

from shared.core import log
from shared.core.errors import DatabaseUnavailable
from shared.telegram.bot import Bot
from shared.telegram.context_loading import offline_context
from shared.telegram.failures import is_own_failure
from shared.telegram.pipeline import run_handler
from shared.telegram.responses import DONE, WebhookResponse
from shared.telegram.update import Update
from shared.telegram.update_parsing import InvalidPayload


def process(bot: Bot, update: Update) -> WebhookResponse:
    """Hand an answer to its handler.

    Raises:
        DatabaseUnavailable: the answer was not stored; Telegram must deliver it again.
        ExternalServiceError: another service or the network failed; Telegram must deliver it again.
        InvalidPayload: our own code failed; the update is to be dead-lettered.
    """
    try:
        run_handler(offline_context(bot, update))
    except DatabaseUnavailable:
        raise
    except Exception as error:
        if not is_own_failure(error):
            raise
        log.error(
            "a poll answer failed",
            action="poll_answer_failed",
            bot=bot.name,
            error=str(error),
            update_id=update.update_id,
        )
        raise InvalidPayload(f"poll answer: {type(error).__name__}", update.update_id) from None
    return DONE
