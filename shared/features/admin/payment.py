"""/payment: a payment by its number, or those that need attention; /payments <user>: those of a user."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db, texts
from shared.core.texts import Text, concat, figures
from shared.features.admin.card import find
from shared.features.admin.users import button_arguments, command_arguments, is_user, show_page, user_name
from shared.payments import providers
from shared.telegram import current_context, reply
from shared.telegram.context import StateUnavailable, UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import (
        AdminFindUser,
        AdminPayment,
        AdminPaymentRefunds,
        AdminPayments,
        PaymentSummary,
        PaymentSummaryGiven,
    )

router = Router()

_NUMBER = re.compile(r"[\w.:-]{1,200}", re.ASCII)
_PAGE = 6  # payments, each with a button
_ERROR = 150  # characters of what a provider said


@router.message_handler(commands=["payment"], admin=True)
def payment(message: Message) -> None:
    """Show a payment by our number or the provider's; without one, those that need attention."""
    context = current_context()
    match command_arguments(message, 2):
        case []:
            reply(*_page(context, None, None))
        case [which] if is_number(which):
            if found := find_payment(context, which):
                reply(card(context, found), buttons(context, found))
        case _:
            reply(context.rich("admin_usage_payment"))


@router.message_handler(
    commands=["payments"], admin=True, func=lambda message: len(command_arguments(message, 1)) > 0
)
def payments(message: Message) -> None:
    """Show a user's payments; without a name this is the command for all users."""
    context = current_context()
    match command_arguments(message, 2):
        case [who] if is_user(who):
            if user := find(context, who):
                reply(*_page(context, user, None))
        case _:
            reply(context.rich("admin_usage_payments"))


@router.callback_query_handler(data=r"admin:payment:[0-9]{1,18}(:new)?", admin=True)
def show_payment(call: CallbackQuery) -> None:
    """Show a payment under its button; under a message that must stay, in a new one."""
    context = current_context()
    which, *new = button_arguments(call)
    found = look_up_payment(context, which)
    if found is None:
        context.answer_callback(context.text("button_old"), alert=True)
    elif new:
        context.reply(card(context, found), buttons(context, found))
    else:
        context.show(card(context, found), buttons(context, found))


@router.callback_query_handler(data=r"admin:payments:[0-9]{1,18}:[0-9]{1,9}", admin=True)
def turn_page(call: CallbackQuery) -> None:
    """Show the payments before a number; 0 means those of all users, or the newest."""
    show_page(call, _page)


def is_number(word: str) -> bool:
    """Return whether a word can be the number of a payment, ours or a provider's."""
    return _NUMBER.fullmatch(word) is not None


def look_up_payment(context: UpdateContext, which: str) -> AdminPayment | None:
    """Return the payment with this number, as it is now.

    Raises:
        StateUnavailable: there is no database to look in.
    """
    if context.is_offline:
        raise StateUnavailable
    found: AdminPayment | None = db.call(
        "admin_payment",
        p_identifier=which,
        p_admin_email=context.user.admin_email,
        p_providers=list(providers.names()),
    )
    return found


def find_payment(context: UpdateContext, which: str) -> AdminPayment | None:
    """Return the payment, or answer that there is none."""
    found = look_up_payment(context, which)
    if found is None:
        reply(context.rich("admin_no_payment", which=which))
    return found


def card(context: UpdateContext, found: AdminPayment) -> Text:
    """Return a payment's card: amount, payer, what was given for it, refunds and problems."""
    lines = [
        context.rich(
            "admin_payment",
            id=found["id"],
            money=money(context, found, found["amount"]),
            status=_status(context, found),
        ),
        context.rich(
            "admin_payment_provider", provider=provider_name(context, found), number=found["number"]
        ),
        context.rich("admin_payment_person", user=_user(context, found)),
    ]
    if found["texts"]:
        title = texts.product_words(context.language, found["texts"]).title
        order = "—" if found["order_id"] is None else found["order_id"]
        lines.append(context.rich("admin_payment_bought", title=title, order=order))
    lines += [context.rich("admin_payment_given", given=_given(context, one)) for one in found["given"]]
    if Decimal(found["refunded"]):
        lines.append(context.rich("admin_payment_refunded", money=money(context, found, found["refunded"])))
    if Decimal(found["disputed"]):
        lines.append(context.rich("admin_payment_disputed", money=money(context, found, found["disputed"])))
    lines += [_refund_line(context, found, one) for one in found["refunds"]]
    if found["problem"] and found["status"] == "completed":
        lines += [texts.Text("", []), context.rich(f"admin_problem_{found['problem']}")]
    if has_money_left(found) and (reason := refund_obstacle(context, found, Decimal(found["left"]))):
        lines += [texts.Text("", []), reason]
    return concat(*lines, separator="\n")


def buttons(context: UpdateContext, found: AdminPayment) -> Keyboard:
    """Return the buttons for a payment."""
    rows = []
    if has_money_left(found) and refund_obstacle(context, found, Decimal(found["left"])) is None:
        left = money(context, found, found["left"])
        rows.append([(context.text("admin_button_refund", money=left), f"admin:refund:{found['id']}")])
    if found["user"]:
        who = found["user"]["telegram_id"]
        rows.append(
            [
                (context.text("admin_button_card"), f"admin:user:{who}"),
                (context.text("admin_button_payments"), f"admin:payments:{who}:0"),
            ]
        )
    return rows


def has_money_left(found: AdminPayment) -> bool:
    """Return whether part of the payment is not refunded, and no refund of it is open."""
    return bool(Decimal(found["left"])) and found["open_refund"] != "open"


def refund_obstacle(context: UpdateContext, found: AdminPayment, wanted: Decimal) -> Text | None:
    """Return why this amount of a payment can't be refunded from the bot, or None if it can."""
    left, amount = Decimal(found["left"]), Decimal(found["amount"] or 0)
    reason: str | None = None
    if not amount:
        reason = "not_paid"
    elif found["open_refund"] == "open":
        reason = "busy"
    elif not left:
        reason = "nothing_left"
    elif not 0 < wanted <= left:
        reason = "too_much"
    elif found["provider"] == "balance" and not found["user"]:
        reason = "erased"
    elif found["provider"] == "balance" and found["currency"] != context.user.currency:
        reason = "other_currency"
    else:
        reason = provider_obstacle(found, is_whole=wanted == amount)
    if reason is None:
        return None
    values = {"provider": provider_name(context, found), "money": money(context, found, found["left"])}
    return context.rich(f"admin_refund_{reason}", id=found["id"], **values)


def provider_obstacle(found: AdminPayment, *, is_whole: bool) -> str | None:
    """Return why the payment's provider can't be asked for all or a part of it, or None if it can."""
    from shared.payments import refunds  # not needed at a cold start

    return refunds.obstacle(found["provider"], is_whole=is_whole)


def money(context: UpdateContext, found: PaymentSummary, amount: str | None) -> str:
    """Format one of a payment's amounts."""
    return figures.money(context.language, Decimal(amount or 0), found["currency"] or "")


def provider_name(context: UpdateContext, found: PaymentSummary) -> str:
    """Return what the payment's provider is called."""
    return context.provider_name(found["provider"])


def _status(context: UpdateContext, found: PaymentSummary) -> str:
    back = Decimal(found["refunded"]) + Decimal(found["disputed"])
    if found["status"] == "completed":
        return context.text("admin_payment_status_part" if back else "admin_payment_status_completed")
    if found["status"] == "refunded":
        return context.text(
            f"admin_payment_status_{'disputed' if Decimal(found['disputed']) else 'refunded'}"
        )
    return context.text(f"admin_payment_status_{found['status']}")


def _user(context: UpdateContext, found: AdminPayment) -> str:
    """Return whose payment it is; the provider may know the payer when no order does."""
    payer = found["payer_id"]
    if found["user"] is None:
        return (
            context.text("admin_payment_payer", id=payer) if payer else context.text("admin_payment_no_payer")
        )
    name = user_name(found["user"])
    if payer and payer != found["user"]["telegram_id"]:
        return context.text("admin_payment_other_payer", name=name, id=payer)
    return name


def _given(context: UpdateContext, effect: PaymentSummaryGiven) -> str:
    """Return what was given, and what of it was taken back."""
    given, taken = Decimal(effect["given"]), Decimal(effect["reversed"])
    if effect["effect"] == "subscription":
        given, taken = (Decimal(round(seconds / 86_400)) for seconds in (given, taken))
    key = f"admin_given_{effect['effect']}"
    words_ = context.text(key, quantity=given)
    return context.text("admin_given_taken", given=words_, taken=taken) if taken else words_


def _refund_line(context: UpdateContext, found: AdminPayment, refund: AdminPaymentRefunds) -> Text:
    state = "accepted" if refund["status"] == "open" and refund["is_accepted"] else refund["status"]
    error = (refund["error"] or "") if state in ("refused", "failed", "unknown") else ""
    return context.rich(
        "admin_refund_line",
        money=figures.money(context.language, Decimal(refund["amount"]), found["currency"] or ""),
        state=context.text(f"admin_refund_state_{state}") + (f" ({error[:_ERROR]})" if error else ""),
        admin=refund["admin_email"],
        date=context.date(refund["at"], with_time=True),
    )


def _page(context: UpdateContext, user: AdminFindUser | None, before: int | None) -> tuple[Text, Keyboard]:
    if context.is_offline:
        raise StateUnavailable
    page: AdminPayments = db.call(
        "admin_payments",
        p_admin_email=context.user.admin_email,
        p_user_id=user["id"] if user else None,
        p_before=before,
        p_limit=_PAGE,
    )
    listed = page["payments"]
    head = (
        context.rich("admin_payments_of", name=user_name(user))
        if user
        else context.rich("admin_payments_open")
    )
    if not listed:
        nothing = context.rich("admin_payments_none" if user else "admin_payments_solved")
        return concat(head, nothing, separator="\n\n"), _page_buttons(context, user, page, before)
    return (
        concat(head, *(_line(context, one) for one in listed), separator="\n\n"),
        _page_buttons(context, user, page, before),
    )


def _line(context: UpdateContext, one: PaymentSummary) -> Text:
    """Return a payment in a list: number, what for, money, state, what was given, what is wrong."""
    marks = [context.text("admin_payments_given", given=_given(context, effect)) for effect in one["given"]]
    if one["problem"] and one["status"] == "completed":
        marks.append(context.text(f"admin_payments_{one['problem']}"))
    if one["open_refund"]:
        marks.append(context.text(f"admin_payments_refund_{one['open_refund']}"))
    return context.rich(
        "admin_payments_line",
        id=one["id"],
        date=context.date(one["at"], with_time=True),
        title=texts.product_words(context.language, one["texts"]).title if one["texts"] else "—",
        money=money(context, one, one["amount"]),
        provider=provider_name(context, one),
        status=_status(context, one),
        marks="".join(f"\n{mark}" for mark in marks),
    )


def _page_buttons(
    context: UpdateContext, user: AdminFindUser | None, page: AdminPayments, before: int | None
) -> Keyboard:
    who = user["telegram_id"] if user else 0
    numbers = [
        (context.text("admin_payment_number", id=one["id"]), f"admin:payment:{one['id']}")
        for one in page["payments"]
    ]
    rows = [numbers[start : start + 3] for start in range(0, len(numbers), 3)]
    turn = []
    if before is not None:
        turn.append((context.text("admin_audit_newest"), f"admin:payments:{who}:0"))
    if page["next"] is not None:
        turn.append((context.text("admin_audit_older"), f"admin:payments:{who}:{page['next']}"))
    if turn:
        rows.append(turn)
    if user:
        rows.append([(context.text("admin_button_card"), f"admin:user:{who}")])
    return rows
