"""/check: whether payments, what was given for them, ledger and balances agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import Message

from shared.core import db
from shared.core.errors import DatabaseUnavailable
from shared.core.texts import Text, concat
from shared.telegram import current_context, reply
from shared.telegram.context import StateUnavailable, UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import AdminCheck

router = Router()


@router.message_handler(commands=["check"], admin=True)
def check(_message: Message) -> None:
    """Show that the books agree, or what is wrong."""
    context = current_context()
    if context.is_offline:
        raise StateUnavailable
    try:
        found: AdminCheck = db.call("admin_check", p_admin_email=context.user.admin_email)
    except DatabaseUnavailable:
        # It reads everything; if that takes longer than an update may, it has to be run in the SQL editor.
        return reply(context.rich("admin_check_too_long"))
    if not (found["payments"] or found["balances"] or found["generations"]):
        return reply(context.rich("admin_check_good"))
    return reply(_report(context, found), _buttons(context, found))


def _report(context: UpdateContext, found: AdminCheck) -> Text:
    head = context.rich(
        "admin_check_bad",
        payments=found["payments"],
        balances=found["balances"],
        generations=found["generations"],
    )
    lines = [
        context.rich("admin_check_payment", id=one["payment"], wrong=one["wrong"])
        for one in found["wrong_payments"]
    ]
    lines += [
        context.rich("admin_check_generation", id=one["generation"], wrong=one["wrong"])
        for one in found["wrong_generations"]
    ]
    lines += [
        context.rich(
            "admin_check_balance",
            who=one["telegram_id"] or context.text("admin_audit_erased"),
            balance=one["balance"],
            ledger=one["ledger"],
        )
        for one in found["wrong_balances"]
    ]
    return concat(head, concat(*lines, separator="\n"), separator="\n\n")


def _buttons(context: UpdateContext, found: AdminCheck) -> Keyboard:
    numbers = sorted({one["payment"] for one in found["wrong_payments"]})
    row = [
        (context.text("admin_payment_number", id=number), f"admin:payment:{number}:new") for number in numbers
    ]
    return [row[start : start + 3] for start in range(0, len(row), 3)]
