"""Messages in a group on behalf of the group or a channel: the bot cannot tell who asks, and says so.

No handler gets them: they would belong to no user, so they have no plan, no history and no rights.
"""

from __future__ import annotations

from shared.telegram.bot import Bot
from shared.telegram.context_loading import offline_context
from shared.telegram.responses import DONE, WebhookResponse
from shared.telegram.update import Update

_TEXTS = {"group": "anonymous_group", "channel": "anonymous_channel"}


def answer(bot: Bot, update: Update) -> WebhookResponse:
    """Return how to get an answer, where such a message addresses the bot; a redelivery gets the same."""
    sender = update.anonymous_sender
    if not sender or update.kind != "message" or bot.has_sent(update) or not bot.is_addressed(update):
        return DONE
    context = offline_context(bot, update)
    context.reply(context.rich(_TEXTS[sender]))
    [call] = context.calls
    return WebhookResponse(body={"method": call["method"], **call["parameters"]})
