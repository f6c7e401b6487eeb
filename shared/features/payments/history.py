"""/payments: orders that wait for their payment, and what was paid."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db, log
from shared.core.errors import ConfigError
from shared.core.texts import Text, concat, figures
from shared.features import shop
from shared.features.common.catalog import title
from shared.features.common.menu import back
from shared.telegram import current_context, outbox, reply
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import CancelOwnOrder, GetOpenOrder, PaymentHistory

router = Router()

_ORDER = "order:"  # order:<id>
_GIVE_UP = "order!:"
_MOST_WAITING = 4  # orders that wait for their payment and have a button


@router.message_handler(commands=["payments"], private_only=True)
def payments(_message: Message) -> None:
    """Show orders and payments."""
    reply(*_payments(current_context()))


@router.callback_query_handler(data="payments", private_only=True, page="payments")
def show_payments(_call: CallbackQuery) -> None:
    """Go back to the payments."""
    context = current_context()
    context.show(*_payments(context))


def _payments(context: UpdateContext) -> tuple[Text, Keyboard]:
    lines: list[PaymentHistory] = db.call("payment_history", p_user_id=context.user.id)
    if not lines:
        return context.rich("payments_none"), [[(context.text("menu_buy"), "buy")], *back(context)]
    text = concat(context.rich("payments"), *(_line(context, line) for line in lines), separator="\n\n")
    waiting = [line for line in lines if line["order_id"]][:_MOST_WAITING]
    rows = [[(_waiting_label(context, line), f"{_ORDER}{line['order_id']}")] for line in waiting]
    return text, [*rows, *back(context)]


def _waiting_label(context: UpdateContext, line: PaymentHistory) -> str:
    price = figures.money(context.language, Decimal(line["amount"]), line["currency"])
    return context.text("payments_order", title=title(context, line["texts"] or {}), price=price)


@router.callback_query_handler(
    data=rf"{_ORDER}[0-9]{{1,18}}",
    private_only=True,
    page="payments",
)
def show_order(call: CallbackQuery) -> None:
    """Show an order that can still be paid, to pay or to cancel it."""
    context = current_context()
    context.show(*_order(context, int((call.data or "").removeprefix(_ORDER))))


@router.link_handler("order_")
def open_order(context: UpdateContext, number: str) -> tuple[Text, Keyboard] | None:
    """Show the order that a page leads to, to pay it with Stars."""
    if not context.update.is_private or context.is_offline:
        return None
    if not re.fullmatch("[0-9]{1,18}", number):
        return context.rich("order_unknown"), back(context)
    return _order(context, int(number))


def _order(context: UpdateContext, number: int) -> tuple[Text, Keyboard]:
    order: GetOpenOrder = db.call("get_open_order", p_user_id=context.user.id, p_order_id=number)
    if order["outcome"] == "closed":
        return shop.closed_text(context, order), []
    from shared.payments.provider import PaymentError

    try:
        is_open = order["outcome"] == "reused"
        link = shop.payable_link(context, order, may_retry=True) if is_open else None
    except (PaymentError, ConfigError) as error:
        log.warning("no link", action="checkout_failed", provider=order["provider"], reason=str(error))
        return context.rich("buy_unavailable"), [[(context.text("list_back"), "payments")]]
    if link is None:
        return _payments(context)
    price = figures.money(context.language, Decimal(order["amount"]), order["currency"])
    text = context.rich("payments_waiting", title=title(context, order["texts"]), price=price)
    return text, [
        [(context.text("buy_pay_button", price=price), link)],
        [(context.text("payments_cancel"), f"{_GIVE_UP}{number}")],
        [(context.text("list_back"), "payments")],
    ]


@router.callback_query_handler(
    data=rf"{_GIVE_UP}[0-9]{{1,18}}",
    private_only=True,
    page="payments",
)
def cancel_order(call: CallbackQuery) -> None:
    """Cancel an order that was not paid."""
    context = current_context()
    order = int((call.data or "").removeprefix(_GIVE_UP))
    done: CancelOwnOrder = db.call("cancel_own_order", p_user_id=context.user.id, p_order_id=order)
    if done["outcome"] == "canceled":
        context.answer_callback(context.text("payments_canceled"))
    context.show(*_payments(context))
    if done.get("outgoing"):
        outbox.deliver_outgoing(done["outgoing"])


def _line(context: UpdateContext, line: PaymentHistory) -> Text:
    part = line["status"] == "completed" and Decimal(line["refunded"]) > 0
    return context.rich(
        "payments_line",
        date=context.date(line["at"]),
        title=title(context, line["texts"]) if line["texts"] else context.text("payments_unknown"),
        price=figures.money(context.language, Decimal(line["amount"]), line["currency"]),
        status=context.text("payment_status_part" if part else f"payment_status_{line['status']}"),
    )
