"""Payment updates. They skip session and lease because the payment event is stored idempotently.

A pre-checkout query must be answered within ten seconds and changes nothing: its answer is the HTTP response.
Other payment updates are acknowledged only once the bot's payment handler has stored their event.
"""

from __future__ import annotations

from shared.telegram.bot import Bot
from shared.telegram.context import use_context
from shared.telegram.context_loading import offline_context
from shared.telegram.failures import own_failures_invalid
from shared.telegram.pipeline import run_handler
from shared.telegram.responses import WebhookResponse
from shared.telegram.update import Update


def process(bot: Bot, update: Update) -> WebhookResponse:
    """Answer one payment update.

    Raises:
        DatabaseUnavailable: the event was not stored; Telegram must deliver it again.
        ExternalServiceError: another service or the network failed; Telegram must deliver it again.
        InvalidPayload: our own code failed; the update is to be dead-lettered.
    """
    context = offline_context(bot, update)
    with own_failures_invalid(bot.name, update, "payment update", "payment_update_failed"):
        if update.kind in ("pre_checkout_query", "shipping_query"):
            run_handler(context)
            last = context.calls[-1] if context.calls else None
            return WebhookResponse(body={"method": last["method"], **last["parameters"]} if last else None)
        with use_context(context):
            bot.handle_payment(update)
    return WebhookResponse()
