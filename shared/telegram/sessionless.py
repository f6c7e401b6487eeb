"""Updates without a session: answers to polls, which name no chat, stopped drafts, which name no user, and
queries in inline mode, which come with each letter and need an answer without the database.

A handler's SQL function stores each of the first two once. A poll may be forwarded, so any user may answer
it, also one that no bot has seen: the function creates the user, applies bans, and recognizes a repeated
delivery by poll and user. To stop an answer twice changes nothing.
"""

from __future__ import annotations

from shared.telegram.bot import Bot
from shared.telegram.context_loading import offline_context
from shared.telegram.failures import own_failures_invalid
from shared.telegram.pipeline import run_handler
from shared.telegram.responses import DONE, WebhookResponse
from shared.telegram.update import Update


def process(bot: Bot, update: Update) -> WebhookResponse:
    """Hand an update to its handler; a call that it makes travels in the response.

    Raises:
        DatabaseUnavailable: it was not stored; Telegram must deliver it again.
        ExternalServiceError: another service or the network failed; Telegram must deliver it again.
        InvalidPayload: our own code failed; the update is to be dead-lettered.
    """
    with own_failures_invalid(bot.name, update, update.kind.replace("_", " "), f"{update.kind}_failed"):
        run_handler(context := offline_context(bot, update))
    if not context.calls:
        return DONE
    last = context.calls[-1]
    return WebhookResponse(body={"method": last["method"], **last["parameters"]})
