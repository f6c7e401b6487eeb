"""/refund: refunds a payment after a question that names the amount; also from a card or an alarm."""

from __future__ import annotations

import re
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db
from shared.core.errors import Refusal
from shared.core.texts import Text, concat, figures
from shared.features.admin import payment
from shared.features.admin.payment import find_payment, is_number, look_up_payment
from shared.features.admin.users import button_arguments, command_arguments, user_name
from shared.telegram import current_context, outbox, reply
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import AdminPayment, AdminRefundPayment

router = Router()

_AMOUNT = re.compile(r"[0-9]{1,9}([.,][0-9]{1,2})?", re.ASCII)
_REFUSALS = {
    "N0001": "unknown_command",  # removed from the admins a moment ago
    "N0003": "admin_done_differently",
    "N0004": "admin_refund_bad_amount",
}


@router.message_handler(commands=["refund"], admin=True)
def refund(message: Message) -> None:
    """Ask whether to refund: payment, amount."""
    context = current_context()
    match command_arguments(message, 2):
        case [which] if is_number(which):
            amount = None
        case [which, much] if is_number(which) and _AMOUNT.fullmatch(much):
            amount = Decimal(much.replace(",", "."))
        case _:
            return reply(context.rich("admin_usage_refund"))
    if found := find_payment(context, which):
        reply(*_question(context, found, amount))
    return None


@router.callback_query_handler(data=r"admin:refund:[0-9]{1,18}", admin=True)
def ask(call: CallbackQuery) -> None:
    """Ask whether to refund all that is left."""
    context = current_context()
    if found := look_up_payment(context, button_arguments(call)[0]):
        context.show(*_question(context, found, None))
    else:
        context.answer_callback(context.text("button_old"), alert=True)


@router.callback_query_handler(data=r"admin:refund_yes:[0-9]{1,18}:[0-9.]+:[0-9.]+", admin=True)
def confirm(call: CallbackQuery) -> None:
    """Refund, if as much is left as when this was asked."""
    context = current_context()
    number, amount, left = button_arguments(call)
    try:
        done: AdminRefundPayment = db.call(
            "admin_refund_payment",
            p_payment_id=int(number),
            p_amount=Decimal(amount),
            p_admin_email=context.user.admin_email,
            p_reference=context.reference,
            p_left=Decimal(left),
            p_call_provider_now=True,
        )
    except Refusal as refusal:
        if refusal.sqlstate not in _REFUSALS:
            raise
        return context.answer_callback(context.text(_REFUSALS[refusal.sqlstate]), alert=True)
    from shared.payments import refunds  # not needed at a cold start

    outbox.deliver_outgoing(done["outgoing"])
    if task := done.get("task"):
        refunds.request_refund(task)
    found = look_up_payment(context, number)
    if found is None:
        return context.answer_callback(context.text("button_old"), alert=True)
    head = _outcome(context, found, done)
    return context.show(
        concat(head, payment.card(context, found), separator="\n\n"), payment.buttons(context, found)
    )


def _question(context: UpdateContext, found: AdminPayment, amount: Decimal | None) -> tuple[Text, Keyboard]:
    """Return the question, or why the payment cannot be refunded."""
    left = Decimal(found["left"])
    wanted = left if amount is None else amount
    refusal = payment.refund_obstacle(context, found, wanted)
    if refusal is not None:
        return refusal, payment.buttons(context, found)
    values = {
        "money": figures.money(context.language, wanted, found["currency"] or ""),
        "id": found["id"],
        "provider": payment.provider_name(context, found),
        "name": user_name(found["user"]) if found["user"] else context.text("admin_payment_no_payer"),
    }
    question = context.rich("admin_refund_question", **values)
    lines = [question]
    if found["given"]:
        lines.append(context.rich("admin_refund_takes" if wanted == left else "admin_refund_takes_part"))
    if amount is None and payment.provider_obstacle(found, is_whole=False) is None:
        lines.append(context.rich("admin_refund_how_part", id=found["id"], part=_example(left)))
    yes = f"admin:refund_yes:{found['id']}:{wanted.normalize():f}:{left.normalize():f}"
    return concat(*lines, separator="\n\n"), [
        [
            (context.text("admin_button_refund_yes", money=values["money"]), yes),
            (context.text("admin_button_refund_no"), f"admin:payment:{found['id']}"),
        ]
    ]


def _example(left: Decimal) -> str:
    """Return a part of what is left, as an admin may write it: half of it, whole where that is at least 1."""
    half = left / 2
    return f"{half.quantize(Decimal(1 if half >= 1 else '0.01'), ROUND_DOWN):f}"


def _outcome(context: UpdateContext, found: AdminPayment, done: AdminRefundPayment) -> Text:
    """Return the outcome: refunded, refused, or not known."""
    if done["outcome"] == "busy":
        return context.rich("admin_refund_busy_with", admin=done["refund"]["admin_email"])
    if done["outcome"] not in ("opened", "known"):
        return context.rich("admin_refund_changed")
    mine = next((one for one in found["refunds"] if one["id"] == done["refund"]["id"]), done["refund"])
    state = "accepted" if mine["status"] == "open" and mine.get("is_accepted") else mine["status"]
    return context.rich(
        f"admin_refund_is_{state}",
        money=figures.money(context.language, Decimal(mine["amount"]), found["currency"] or ""),
        provider=payment.provider_name(context, found),
    )
