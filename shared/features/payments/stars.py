"""Telegram Stars: pre-checkout queries, and updates about payments, refunds and subscriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import orjson
from telebot.types import PreCheckoutQuery

from shared.core import db, log
from shared.core.errors import DatabaseUnavailable
from shared.telegram import current_context
from shared.telegram.router import Router
from shared.telegram.update import Update

if TYPE_CHECKING:
    from shared.core.sql_types import CheckOrder

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
    """Answer whether the order may be paid, within Telegram's 10 seconds (read-only)."""
    context = current_context()
    payload = query.invoice_payload or ""
    is_number = payload.isascii() and payload.isdecimal() and len(payload) < 19
    verdict: CheckOrder | Literal["unavailable"]
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
def store_payment_event(update: Update) -> None:
    """Store the payment event of an update; the message to the buyer follows from it.

    An event that is stored but could not be applied is applied by a job, so the chat continues.
    """
    from shared.payments import (
        providers,  # not needed at a cold start
        recording,
    )
    from shared.payments.providers import telegram_stars

    event = telegram_stars.parse_update(update.data)
    if event is not None:
        recording.record(providers.load("telegram_stars"), event, orjson.dumps(update.data))
