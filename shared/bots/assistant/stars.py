"""Telegram Stars, as Telegram tells of them: may this be paid, it was paid, it was refunded, it renews no more."""

from __future__ import annotations

from telebot.types import Message, PreCheckoutQuery

from shared import db, log
from shared.bots.assistant import bot
from shared.errors import DatabaseUnavailable, OutsideError
from shared.payments import endpoint, providers
from shared.payments.providers import telegram_stars
from shared.telegram import current


@bot.pre_checkout_query_handler(func=lambda _query: True)
def may_pay(query: PreCheckoutQuery) -> None:
    """Say within Telegram's ten seconds whether the order may be paid: one read, and nothing is given for it."""
    unit = current()
    payload = query.invoice_payload or ""
    try:
        verdict = db.call(
            "check_order",
            p_provider="telegram_stars",
            p_order_id=int(payload) if payload.isascii() and payload.isdecimal() and len(payload) < 19 else -1,
            p_telegram_id=query.from_user.id,
            p_amount=query.total_amount,
            p_currency=query.currency,
        )
    except DatabaseUnavailable:
        verdict = "unavailable"
    answer = {"pre_checkout_query_id": query.id, "ok": verdict == "ok"}
    if verdict != "ok":
        log.info("a purchase was refused", action="checkout_refused", reason=verdict)
        known = verdict if verdict in ("paid", "expired", "owner", "unavailable") else "unknown"
        answer["error_message"] = unit.text(f"checkout_{known}")
    unit.call("answerPreCheckoutQuery", answer)


@bot.message_handler(content_types=["successful_payment", "refunded_payment"])
def money_moved(_message: Message) -> None:
    """Keep what Telegram says of money; the person hears of it by the message that follows from it."""
    _record()


@bot.subscription_handler(func=lambda _update: True)
def renewal_changed(_update: object) -> None:
    """Keep that a subscription in Stars was canceled, resumed, or could not be paid."""
    _record()


def _record() -> None:
    unit = current()
    event = telegram_stars.notices(unit.incoming.data)
    if event is not None and not endpoint.record(providers.load("telegram_stars"), event, unit.incoming.body):
        raise OutsideError("a payment could not be applied; it is kept and tried again")
