"""Answers to polls. They name no chat, so they have no session; a SQL function stores each one once.

A poll may be forwarded, so any user may answer it, also one whom no bot has seen. The handler's SQL function
creates the user, applies bans, and recognizes a repeated delivery by poll and user.
"""

from __future__ import annotations

from shared.telegram.bot import Bot
from shared.telegram.context_loading import offline_context
from shared.telegram.failures import own_failures_invalid
from shared.telegram.pipeline import run_handler
from shared.telegram.responses import DONE, WebhookResponse
from shared.telegram.update import Update


def process(bot: Bot, update: Update) -> WebhookResponse:
    """Hand an answer to its handler.

    Raises:
        DatabaseUnavailable: the answer was not stored; Telegram must deliver it again.
        ExternalServiceError: another service or the network failed; Telegram must deliver it again.
        InvalidPayload: our own code failed; the update is to be dead-lettered.
    """
    with own_failures_invalid(bot.name, update, "poll answer", "poll_answer_failed"):
        run_handler(offline_context(bot, update))
    return DONE
