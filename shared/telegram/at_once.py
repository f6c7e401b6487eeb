"""Updates about money: no session and no lease, for what they tell is kept by itself, once.

A pre-checkout query must be answered within ten seconds and changes nothing: its answer is the response.
What happened to a payment is acknowledged only when it is stored; the bot's money handler stores it.
"""

from __future__ import annotations

from shared.core import log
from shared.core.errors import DatabaseUnavailable
from shared.telegram.bot import Bot
from shared.telegram.fallback import unit_of_nothing
from shared.telegram.incoming import Incoming, Unusable
from shared.telegram.pipeline import Answer, is_ours, run_handler
from shared.telegram.unit import working_on


def process(bot: Bot, incoming: Incoming) -> Answer:
    """Answer one update about money.

    Raises:
        DatabaseUnavailable: what happened could not be stored; the sender shall deliver it again.
        OutsideError: another service or the network failed; the sender delivers it again, too.
        Unusable: it cannot be understood, and is to be put aside.
    """
    unit = unit_of_nothing(bot, incoming)
    try:
        if incoming.kind in ("pre_checkout_query", "shipping_query"):
            run_handler(unit)
            last = unit.calls[-1] if unit.calls else None
            return Answer(body={"method": last["method"], **last["parameters"]} if last else None)
        with working_on(unit):
            bot.tell_money(incoming)
    except DatabaseUnavailable:
        raise
    except Exception as error:
        if not is_ours(error):
            raise
        log.error(
            "an update about money failed",
            action="money_failed",
            bot=bot.name,
            error=str(error),
            update_id=incoming.update_id,
        )
        raise Unusable(f"about money: {type(error).__name__}", incoming.update_id) from None
    return Answer()
