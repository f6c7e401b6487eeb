"""Updates about money: no session and no lease, for what they tell is kept by itself, once.

A pre-checkout query must be answered within ten seconds and changes nothing: its answer is the response.
What happened to a payment is acknowledged only when it is stored; the bot's money handler stores it.
"""

from __future__ import annotations

from shared.core import log
from shared.core.errors import DatabaseUnavailable
from shared.telegram.bot import Bot
from shared.telegram.context import use_context
from shared.telegram.fallback import offline_context
from shared.telegram.pipeline import WebhookResponse, is_own_failure, run_handler
from shared.telegram.update import InvalidPayload, Update


def process(bot: Bot, update: Update) -> WebhookResponse:
    """Answer one update about money.

    Raises:
        DatabaseUnavailable: what happened could not be stored; the sender shall deliver it again.
        ExternalServiceError: another service or the network failed; the sender delivers it again, too.
        InvalidPayload: it cannot be understood, and is to be put aside.
    """
    context = offline_context(bot, update)
    try:
        if update.kind in ("pre_checkout_query", "shipping_query"):
            run_handler(context)
            last = context.calls[-1] if context.calls else None
            return WebhookResponse(body={"method": last["method"], **last["parameters"]} if last else None)
        with use_context(context):
            bot.handle_payment(update)
    except DatabaseUnavailable:
        raise
    except Exception as error:
        if not is_own_failure(error):
            raise
        log.error(
            "an update about money failed",
            action="payment_update_failed",
            bot=bot.name,
            error=str(error),
            update_id=update.update_id,
        )
        raise InvalidPayload(f"about money: {type(error).__name__}", update.update_id) from None
    return WebhookResponse()
