"""Telegram Stars, as Telegram tells of them: may this be paid, was it, is it refunded, does it renew."""

from __future__ import annotations

import orjson
from telebot.types import PreCheckoutQuery

from shared.core import db, log
from shared.core.errors import DatabaseUnavailable
from shared.telegram import current_context
from shared.telegram.router import Router
from shared.telegram.update import Update

router = Router()

_REASONS = {
    "paid": "checkout_paid",
    "renewing": "checkout_renewing",
    "expired": "checkout_expired",
    "owner": "checkout_owner",
    "unavailable": "checkout_unavailable",
}


@router.update_handler("pre_checkout_query")
def may_pay(query: PreCheckoutQuery) -> None:
    """Say within Telegram's ten seconds whether the order may be paid: one read; nothing is given for it."""
    context = current_context()
    payload = query.invoice_payload or ""
    is_number = payload.isascii() and payload.isdecimal() and len(payload) < 19
    try:
        verdict = db.call(
            "check_order",
            p_provider="telegram_stars",
            p_order_id=int(payload) if is_number else -1,
            p_telegram_id=query.from_user.id,
            p_amount=query.total_amount,
            p_currency=query.currency,
        )
    except DatabaseUnavailable:
        verdict = "unavailable"
    answer = {"pre_checkout_query_id": query.id, "ok": verdict == "ok"}
    if verdict != "ok":
        log.info("a purchase was refused", action="checkout_refused", reason=verdict)
        answer["error_message"] = context.text(_REASONS.get(verdict, "checkout_unknown"))
    context.call("answerPreCheckoutQuery", answer)


@router.payment_handler
def keep(update: Update) -> None:
    """Keep what Telegram tells of Stars; the buyer hears of it by the message that follows from it.

    What is kept and could not be applied is applied by a job: the chat is not held up for it.
    """
    from shared.payments import (
        providers,  # a start need not wait for them
        recording,
    )
    from shared.payments.providers import telegram_stars

    event = telegram_stars.parse_update(update.data)
    if event is not None:
        recording.record(providers.load("telegram_stars"), event, orjson.dumps(update.data))
