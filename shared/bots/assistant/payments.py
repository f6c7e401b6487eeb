"""What was paid: /payments, /subscription with its end and cancel, /terms and /paysupport."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from telebot.types import CallbackQuery, Message

from shared.bots.assistant import bot, checkout, links
from shared.bots.assistant.features import plan_name
from shared.bots.assistant.menu import back
from shared.bots.assistant.offers import title
from shared.bots.assistant.trial_offer import trial_offer, trial_row
from shared.core import db, log
from shared.core.config import settings
from shared.core.errors import ConfigError
from shared.core.texts import Text, figures, joined, utf16_length
from shared.payments import providers
from shared.telegram import current_context, reply
from shared.telegram.context import Keyboard, StateUnavailable, UpdateContext

if TYPE_CHECKING:
    from shared.payments.provider import PaymentError

_ORDER = "order:"  # order:<id>
_GIVE_UP = "order!:"
_MOST_WAITING = 4  # orders that wait for their payment and have a button
_CANCEL = "renewal:"  # renewal:<id>
_CANCEL_NOW = "renewal!:"
_TIMEOUT = 8.0  # seconds for a provider to stop a renewal


@bot.message_handler(commands=["payments"], private_only=True)
def payments(_message: Message) -> None:
    """Show what was ordered and paid."""
    reply(*_payments(current_context()))


@bot.callback_query_handler(func=lambda call: call.data == "payments", private_only=True, page="payments")
def show_payments(_call: CallbackQuery) -> None:
    """Go back to the payments."""
    context = current_context()
    context.show(*_payments(context))


def _payments(context: UpdateContext) -> tuple[Text, Keyboard]:
    lines = db.call("payment_history", p_user_id=_user(context))
    if not lines:
        return context.rich("payments_none"), [[(context.text("menu_buy"), "buy")], *back(context)]
    text = joined(context.rich("payments"), *(_line(context, line) for line in lines), separator="\n\n")
    waiting = [line for line in lines if line["order_id"]][:_MOST_WAITING]
    rows = [[(_waiting_label(context, line), f"{_ORDER}{line['order_id']}")] for line in waiting]
    return text, [*rows, *back(context)]


def _waiting_label(context: UpdateContext, line: dict[str, Any]) -> str:
    price = figures.money(context.language, Decimal(line["amount"]), line["currency"])
    return context.text("payments_order", title=title(context, line["texts"]), price=price)


@bot.callback_query_handler(
    func=lambda call: re.fullmatch(rf"{_ORDER}[0-9]{{1,18}}", call.data or "") is not None,
    private_only=True,
    page="payments",
)
def show_order(call: CallbackQuery) -> None:
    """Show an order that can still be paid, to pay or to cancel it."""
    context = current_context()
    number = (call.data or "").removeprefix(_ORDER)
    order = db.call("open_order", p_user_id=_user(context), p_order_id=int(number))
    if order["outcome"] == "closed":
        return checkout.show_closed(context, order)
    from shared.payments.provider import PaymentError

    try:
        is_open = order["outcome"] == "reused"
        link = links.payable_link(context, order, may_retry=True) if is_open else None
    except (PaymentError, ConfigError) as error:
        log.warning("no link", action="checkout_failed", provider=order["provider"], reason=str(error))
        return context.show(context.rich("buy_unavailable"), [[(context.text("buy_back"), "payments")]])
    if link is None:
        return context.show(*_payments(context))
    price = figures.money(context.language, Decimal(order["amount"]), order["currency"])
    text = context.rich("payments_waiting", title=title(context, order["texts"]), price=price)
    return context.show(
        text,
        [
            [(context.text("buy_pay_button", price=price), link)],
            [(context.text("payments_cancel"), f"{_GIVE_UP}{number}")],
            [(context.text("buy_back"), "payments")],
        ],
    )


@bot.callback_query_handler(
    func=lambda call: re.fullmatch(rf"{_GIVE_UP}[0-9]{{1,18}}", call.data or "") is not None,
    private_only=True,
    page="payments",
)
def cancel_order(call: CallbackQuery) -> None:
    """Cancel an order that was not paid."""
    context = current_context()
    order = int((call.data or "").removeprefix(_GIVE_UP))
    done = db.call("cancel_own_order", p_user_id=_user(context), p_order_id=order)
    if done["outcome"] == "canceled":
        context.answer_callback(context.text("payments_canceled"))
    context.show(*_payments(context))
    if done.get("outgoing"):
        from shared.payments import notifications  # a start need not wait for it

        notifications.deliver(done["outgoing"])


def _line(context: UpdateContext, line: dict[str, Any]) -> Text:
    part = line["status"] == "completed" and Decimal(line["refunded"]) > 0
    return context.rich(
        "payments_line",
        date=context.date(line["at"]),
        title=title(context, line["texts"]) if line["texts"] else context.text("payments_unknown"),
        price=figures.money(context.language, Decimal(line["amount"]), line["currency"]),
        status=context.text("payment_status_part" if part else f"payment_status_{line['status']}"),
    )


@bot.message_handler(commands=["subscription"], private_only=True)
def subscription(_message: Message) -> None:
    """Show the plan, its end, and what renews it."""
    context = current_context()
    reply(*_subscription(context))


@bot.callback_query_handler(
    func=lambda call: call.data == "subscription", private_only=True, page="subscription"
)
def show_subscription(_call: CallbackQuery) -> None:
    """Go back to the subscription."""
    context = current_context()
    context.show(*_subscription(context))


def _subscription(context: UpdateContext) -> tuple[Text, Keyboard]:
    running = db.call("subscription_overview", p_user_id=_user(context))
    plan = plan_name(context, running["plan"])
    ends_at = _late_until(running) or running["ends_at"]
    until = ends_at and context.date(ends_at)
    endless = "subscription_none" if running["plan"] == "FREE" else "subscription_endless"
    key = "subscription_until" if until else endless
    parts = [context.rich(key, plan=plan, until=until or "")]
    rows: list[list[tuple[str, str]]] = []
    running_now = [renewal for renewal in running["renewals"] if renewal["status"] != "canceled"]
    parts += [renewal_line(context, renewal) for renewal in running["renewals"]]
    for renewal in running_now:
        name = title(context, renewal["texts"])
        key = "subscription_cancel" if len(running_now) == 1 else "subscription_cancel_of"
        rows.append([(context.text(key, title=name), f"{_CANCEL}{renewal['id']}")])
    more = [*trial_row(context, trial_offer(context)), [(context.text("menu_buy"), "buy")]]
    return joined(*parts, separator="\n\n"), [*rows, *more, *back(context)]


def _late_until(running: dict[str, Any]) -> str | None:
    """Return until when the plan is kept while its charge is late: the date its renewal's line names too."""
    late = (one for one in running["renewals"] if one["status"] == "past_due")
    return next((one["effective_end"] for one in late if one["plan"] == running["plan"]), None)


def renewal_line(context: UpdateContext, renewal: dict[str, Any]) -> Text:
    """Say how one auto-renewal of subscription_overview stands."""
    price = figures.money(context.language, Decimal(renewal["amount"]), renewal["currency"])
    status = renewal["status"]
    if status == "active":
        key = f"subscription_renewal_active_{renewal['period']}"
    elif status == "past_due" and not renewal["effective_end"]:
        key = "subscription_renewal_past_due_over"
    else:
        key = f"subscription_renewal_{status}"
    return context.rich(
        key,
        title=title(context, renewal["texts"]),
        price=price,
        provider=context.provider_name(renewal["provider"]),
        until=context.date(renewal["effective_end"]) if renewal["effective_end"] else "—",
    )


@bot.callback_query_handler(
    func=lambda call: (call.data or "").startswith(_CANCEL), private_only=True, page="subscription"
)
def ask_to_cancel(call: CallbackQuery) -> None:
    """Ask once more, and say what stays."""
    context = current_context()
    number = (call.data or "").removeprefix(_CANCEL)
    context.show(
        context.rich("subscription_cancel_sure"),
        [
            [(context.text("subscription_cancel_yes"), _CANCEL_NOW + number)],
            [(context.text("subscription_keep"), "subscription")],
        ],
    )


@bot.callback_query_handler(
    func=lambda call: (call.data or "").startswith(_CANCEL_NOW), private_only=True, page="subscription"
)
def cancel(call: CallbackQuery) -> None:
    """Stop a renewal, at the provider first: what cannot be stopped there is not called stopped."""
    context = current_context()
    number = (call.data or "").removeprefix(_CANCEL_NOW)
    renewals = db.call("subscription_overview", p_user_id=_user(context))["renewals"]
    renewal = next((one for one in renewals if str(one["id"]) == number), None)
    if renewal is None:
        return context.show(context.rich("subscription_gone"), back(context))
    from shared.payments.provider import PaymentError

    try:
        _stop_at_provider(context, renewal)
        done = db.call("cancel_renewal", p_user_id=context.user.id, p_renewal_id=renewal["id"])
    except PaymentError as error:
        # Without an answer it may be stopped all the same, and its callback may be here already.
        done = db.call("abort_cancel", p_user_id=context.user.id, p_renewal_id=renewal["id"])
        if done["outcome"] != "known":
            return _say_not_stopped(context, renewal, error)
    if done["outcome"] == "busy":
        again = [[(context.text("subscription_back"), "subscription")]]
        return context.show(context.rich("subscription_cancel_busy"), again)
    until = done.get("charged_until")
    return context.show(
        context.rich(
            "subscription_canceled_over" if done.get("is_over") else "subscription_canceled",
            until=context.date(until) if until else "—",
        ),
        back(context),
    )


def _stop_at_provider(context: UpdateContext, renewal: dict[str, Any]) -> None:
    """Stop a renewal whose schedule the provider has. Raises PaymentError."""
    if renewal["provider_subscription_id"].startswith("order:"):
        return
    if renewal["provider"] not in providers.names():
        from shared.payments.provider import RequestRefused

        raise RequestRefused(f"the provider {renewal['provider']} is gone")
    db.call("begin_cancel", p_user_id=context.user.id, p_renewal_id=renewal["id"])
    providers.load(renewal["provider"]).cancel_subscription(
        renewal["provider_subscription_id"],
        context.user.telegram_id,
        _TIMEOUT,
        payment_id=renewal["payment_id"] or "",
        payer=renewal["payer"] or "",
    )


def _say_not_stopped(context: UpdateContext, renewal: dict[str, Any], error: PaymentError) -> None:
    """Say that a renewal goes on; a refusal would stay and needs the owner."""
    from shared.payments.provider import RequestRefused

    is_refusal = isinstance(error, RequestRefused)
    (log.alert if is_refusal else log.warning)(
        "a renewal could not be stopped",
        action="renewal_not_stopped",
        provider=renewal["provider"],
        reason=str(error),
    )
    text = context.rich("subscription_cancel_refused" if is_refusal else "subscription_cancel_failed")
    context.show(text, [[(context.text("subscription_keep"), "subscription")]])


@bot.message_handler(commands=["terms"])
def terms(_message: Message) -> None:
    """Say on which terms things are sold, as Telegram asks of sellers."""
    context = current_context()
    link = settings().terms_url
    reply(context.rich("terms_link", link=link) if link else context.rich("terms"), back(context))


@bot.message_handler(commands=["paysupport"])
def paysupport(_message: Message) -> None:
    """Say where help with a payment is, as Telegram asks of sellers."""
    context = current_context()
    contact = settings().support_contact or context.text("paysupport_owner")
    text, entities = context.rich("paysupport", contact=contact)
    if not settings().support_contact:
        entities = [*entities, *_owner_link(text, contact)]
    reply(Text(text, entities), back(context))


def _owner_link(text: str, words: str) -> list[dict[str, Any]]:
    """Link words of a text to the first admin's account: the contact where the owner has set none."""
    offset = utf16_length(text.partition(words)[0])
    length = utf16_length(words)
    return [
        {"type": "text_link", "offset": offset, "length": length, "url": f"tg://user?id={admin}"}
        for admin in settings().admin_telegram_ids[:1]
    ]


def _user(context: UpdateContext) -> int:
    if context.is_offline:
        raise StateUnavailable
    return context.user.id
