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
from shared.telegram import current, reply
from shared.telegram.unit import Keyboard, StateUnavailable, Unit

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
    reply(*_payments(current()))


@bot.callback_query_handler(func=lambda call: call.data == "payments", private_only=True, page="payments")
def show_payments(_call: CallbackQuery) -> None:
    """Go back to the payments."""
    unit = current()
    unit.show(*_payments(unit))


def _payments(unit: Unit) -> tuple[Text, Keyboard]:
    lines = db.call("payment_history", p_user_id=_person(unit))
    if not lines:
        return unit.rich("payments_none"), [[(unit.text("menu_buy"), "buy")], *back(unit)]
    text = joined(unit.rich("payments"), *(_line(unit, line) for line in lines), separator="\n\n")
    waiting = [line for line in lines if line["order_id"]][:_MOST_WAITING]
    rows = [[(_waiting_label(unit, line), f"{_ORDER}{line['order_id']}")] for line in waiting]
    return text, [*rows, *back(unit)]


def _waiting_label(unit: Unit, line: dict[str, Any]) -> str:
    price = figures.money(unit.language, Decimal(line["amount"]), line["currency"])
    return unit.text("payments_order", title=title(unit, line["texts"]), price=price)


@bot.callback_query_handler(
    func=lambda call: re.fullmatch(rf"{_ORDER}[0-9]{{1,18}}", call.data or "") is not None,
    private_only=True,
    page="payments",
)
def show_order(call: CallbackQuery) -> None:
    """Show an order that can still be paid, to pay or to cancel it."""
    unit = current()
    number = (call.data or "").removeprefix(_ORDER)
    order = db.call("open_order", p_user_id=_person(unit), p_order_id=int(number))
    if order["outcome"] == "closed":
        return checkout.show_closed(unit, order)
    from shared.payments.provider import PaymentError

    try:
        is_open = order["outcome"] == "reused"
        link = links.payable_link(unit, order, may_retry=True) if is_open else None
    except (PaymentError, ConfigError) as error:
        log.warning("no link", action="checkout_failed", provider=order["provider"], reason=str(error))
        return unit.show(unit.rich("buy_unavailable"), [[(unit.text("buy_back"), "payments")]])
    if link is None:
        return unit.show(*_payments(unit))
    price = figures.money(unit.language, Decimal(order["amount"]), order["currency"])
    text = unit.rich("payments_waiting", title=title(unit, order["texts"]), price=price)
    return unit.show(
        text,
        [
            [(unit.text("buy_pay_button", price=price), link)],
            [(unit.text("payments_cancel"), f"{_GIVE_UP}{number}")],
            [(unit.text("buy_back"), "payments")],
        ],
    )


@bot.callback_query_handler(
    func=lambda call: re.fullmatch(rf"{_GIVE_UP}[0-9]{{1,18}}", call.data or "") is not None,
    private_only=True,
    page="payments",
)
def cancel_order(call: CallbackQuery) -> None:
    """Cancel an order that was not paid."""
    unit = current()
    order = int((call.data or "").removeprefix(_GIVE_UP))
    done = db.call("give_up_order", p_user_id=_person(unit), p_order_id=order)
    if done["outcome"] == "canceled":
        unit.notice(unit.text("payments_canceled"))
    unit.show(*_payments(unit))
    if done.get("outgoing"):
        from shared.payments import notifications  # a start need not wait for it

        notifications.deliver(done["outgoing"])


def _line(unit: Unit, line: dict[str, Any]) -> Text:
    part = line["status"] == "completed" and Decimal(line["refunded"]) > 0
    return unit.rich(
        "payments_line",
        date=unit.date(line["at"]),
        title=title(unit, line["texts"]) if line["texts"] else unit.text("payments_unknown"),
        price=figures.money(unit.language, Decimal(line["amount"]), line["currency"]),
        status=unit.text("payment_status_part" if part else f"payment_status_{line['status']}"),
    )


@bot.message_handler(commands=["subscription"], private_only=True)
def subscription(_message: Message) -> None:
    """Show the plan, its end, and what renews it."""
    unit = current()
    reply(*_subscription(unit))


@bot.callback_query_handler(
    func=lambda call: call.data == "subscription", private_only=True, page="subscription"
)
def show_subscription(_call: CallbackQuery) -> None:
    """Go back to the subscription."""
    unit = current()
    unit.show(*_subscription(unit))


def _subscription(unit: Unit) -> tuple[Text, Keyboard]:
    running = db.call("subscription_overview", p_user_id=_person(unit))
    plan = plan_name(unit, running["plan"])
    ends_at = _late_until(running) or running["ends_at"]
    until = ends_at and unit.date(ends_at)
    endless = "subscription_none" if running["plan"] == "FREE" else "subscription_endless"
    key = "subscription_until" if until else endless
    parts = [unit.rich(key, plan=plan, until=until or "")]
    rows: list[list[tuple[str, str]]] = []
    running_now = [renewal for renewal in running["renewals"] if renewal["status"] != "canceled"]
    parts += [renewal_line(unit, renewal) for renewal in running["renewals"]]
    for renewal in running_now:
        name = title(unit, renewal["texts"])
        key = "subscription_cancel" if len(running_now) == 1 else "subscription_cancel_of"
        rows.append([(unit.text(key, title=name), f"{_CANCEL}{renewal['id']}")])
    more = [*trial_row(unit, trial_offer(unit)), [(unit.text("menu_buy"), "buy")]]
    return joined(*parts, separator="\n\n"), [*rows, *more, *back(unit)]


def _late_until(running: dict[str, Any]) -> str | None:
    """Return until when the plan is kept while its charge is late: the date its renewal's line names too."""
    late = (one for one in running["renewals"] if one["status"] == "past_due")
    return next((one["kept_until"] for one in late if one["plan"] == running["plan"]), None)


def renewal_line(unit: Unit, renewal: dict[str, Any]) -> Text:
    """Say how one auto-renewal of subscription_overview stands."""
    price = figures.money(unit.language, Decimal(renewal["amount"]), renewal["currency"])
    status = renewal["status"]
    if status == "active":
        key = f"subscription_renewal_active_{renewal['period']}"
    elif status == "past_due" and not renewal["kept_until"]:
        key = "subscription_renewal_past_due_over"
    else:
        key = f"subscription_renewal_{status}"
    return unit.rich(
        key,
        title=title(unit, renewal["texts"]),
        price=price,
        provider=unit.provider_name(renewal["provider"]),
        until=unit.date(renewal["kept_until"]) if renewal["kept_until"] else "—",
    )


@bot.callback_query_handler(
    func=lambda call: (call.data or "").startswith(_CANCEL), private_only=True, page="subscription"
)
def ask_to_cancel(call: CallbackQuery) -> None:
    """Ask once more, and say what stays."""
    unit = current()
    number = (call.data or "").removeprefix(_CANCEL)
    unit.show(
        unit.rich("subscription_cancel_sure"),
        [
            [(unit.text("subscription_cancel_yes"), _CANCEL_NOW + number)],
            [(unit.text("subscription_keep"), "subscription")],
        ],
    )


@bot.callback_query_handler(
    func=lambda call: (call.data or "").startswith(_CANCEL_NOW), private_only=True, page="subscription"
)
def cancel(call: CallbackQuery) -> None:
    """Stop a renewal, at the provider first: what cannot be stopped there is not called stopped."""
    unit = current()
    number = (call.data or "").removeprefix(_CANCEL_NOW)
    renewals = db.call("subscription_overview", p_user_id=_person(unit))["renewals"]
    renewal = next((one for one in renewals if str(one["id"]) == number), None)
    if renewal is None:
        return unit.show(unit.rich("subscription_gone"), back(unit))
    from shared.payments.provider import PaymentError

    try:
        _stop_at_provider(unit, renewal)
        done = db.call("cancel_renewal", p_user_id=unit.person.id, p_renewal_id=renewal["id"])
    except PaymentError as error:
        # Without an answer it may be stopped all the same, and its callback may be here already.
        done = db.call("forget_cancel", p_user_id=unit.person.id, p_renewal_id=renewal["id"])
        if done["outcome"] != "known":
            return _say_not_stopped(unit, renewal, error)
    if done["outcome"] == "busy":
        again = [[(unit.text("subscription_back"), "subscription")]]
        return unit.show(unit.rich("subscription_cancel_busy"), again)
    until = done.get("charged_until")
    return unit.show(
        unit.rich(
            "subscription_canceled_over" if done.get("is_over") else "subscription_canceled",
            until=unit.date(until) if until else "—",
        ),
        back(unit),
    )


def _stop_at_provider(unit: Unit, renewal: dict[str, Any]) -> None:
    """Stop a renewal whose schedule the provider has. Raises PaymentError."""
    if renewal["provider_subscription_id"].startswith("order:"):
        return
    if renewal["provider"] not in providers.names():
        from shared.payments.provider import RequestRefused

        raise RequestRefused(f"the provider {renewal['provider']} is gone")
    db.call("begin_cancel", p_user_id=unit.person.id, p_renewal_id=renewal["id"])
    providers.load(renewal["provider"]).cancel_subscription(
        renewal["provider_subscription_id"],
        unit.person.telegram_id,
        _TIMEOUT,
        payment_id=renewal["payment_id"] or "",
        payer=renewal["payer"] or "",
    )


def _say_not_stopped(unit: Unit, renewal: dict[str, Any], error: PaymentError) -> None:
    """Say that a renewal goes on; a refusal would stay and needs the owner."""
    from shared.payments.provider import RequestRefused

    is_refusal = isinstance(error, RequestRefused)
    (log.alert if is_refusal else log.warning)(
        "a renewal could not be stopped",
        action="renewal_not_stopped",
        provider=renewal["provider"],
        reason=str(error),
    )
    text = unit.rich("subscription_cancel_refused" if is_refusal else "subscription_cancel_failed")
    unit.show(text, [[(unit.text("subscription_keep"), "subscription")]])


@bot.message_handler(commands=["terms"])
def terms(_message: Message) -> None:
    """Say on which terms things are sold, as Telegram asks of sellers."""
    unit = current()
    link = settings().terms_url
    reply(unit.rich("terms_link", link=link) if link else unit.rich("terms"), back(unit))


@bot.message_handler(commands=["paysupport"])
def paysupport(_message: Message) -> None:
    """Say where help with a payment is, as Telegram asks of sellers."""
    unit = current()
    contact = settings().support_contact or unit.text("paysupport_owner")
    text, entities = unit.rich("paysupport", contact=contact)
    if not settings().support_contact:
        entities = [*entities, *_owner_link(text, contact)]
    reply(Text(text, entities), back(unit))


def _owner_link(text: str, words: str) -> list[dict[str, Any]]:
    """Link words of a text to the first admin's account: the contact where the owner has set none."""
    offset = utf16_length(text.partition(words)[0])
    length = utf16_length(words)
    return [
        {"type": "text_link", "offset": offset, "length": length, "url": f"tg://user?id={admin}"}
        for admin in settings().admin_telegram_ids[:1]
    ]


def _person(unit: Unit) -> int:
    if unit.is_offline:
        raise StateUnavailable
    return unit.person.id
