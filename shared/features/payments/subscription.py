"""/subscription: the plan, when it ends, what renews it, and how to stop that."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db
from shared.core.texts import Text, concat, figures
from shared.features.common.catalog import title
from shared.features.common.menu import back
from shared.features.common.plans import plan_name
from shared.features.common.trial_offer import trial_offer, trial_row
from shared.features.payments import stopping
from shared.telegram import current_context, reply
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import SubscriptionOverview, SubscriptionOverviewRenewals

router = Router()

_CANCEL = "renewal:"  # renewal:<id>
_CANCEL_NOW = "renewal!:"


@router.message_handler(commands=["subscription"], allowed_while_banned=True, private_only=True)
def subscription(_message: Message) -> None:
    """Show the plan, its end, and what renews it."""
    context = current_context()
    reply(*_subscription(context))


@router.callback_query_handler(
    data="subscription", allowed_while_banned=True, private_only=True, page="subscription"
)
def show_subscription(_call: CallbackQuery) -> None:
    """Go back to the subscription."""
    context = current_context()
    context.show(*_subscription(context))


def _subscription(context: UpdateContext) -> tuple[Text, Keyboard]:
    running: SubscriptionOverview = db.call("subscription_overview", p_user_id=context.user.id)
    plan = plan_name(context, running["plan"])
    ends_at = stopping.late_until(running) or running["ends_at"]
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
    return concat(*parts, separator="\n\n"), [*rows, *more, *back(context)]


def renewal_line(context: UpdateContext, renewal: SubscriptionOverviewRenewals) -> Text:
    """Return a line on the state of one auto-renewal of subscription_overview."""
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


@router.callback_query_handler(
    data=_CANCEL + ".+", allowed_while_banned=True, private_only=True, page="subscription"
)
def ask_to_cancel(call: CallbackQuery) -> None:
    """Ask for confirmation, and say until when the plan stays."""
    context = current_context()
    number = (call.data or "").removeprefix(_CANCEL)
    context.show(
        context.rich("subscription_cancel_sure"),
        [
            [(context.text("subscription_cancel_yes"), _CANCEL_NOW + number)],
            [(context.text("subscription_keep"), "subscription")],
        ],
    )


@router.callback_query_handler(
    data=_CANCEL_NOW + ".+", allowed_while_banned=True, private_only=True, page="subscription"
)
def cancel(call: CallbackQuery) -> None:
    """Stop a renewal, at the provider first: it is stopped here only when it is stopped there."""
    context = current_context()
    number = (call.data or "").removeprefix(_CANCEL_NOW)
    running: SubscriptionOverview = db.call("subscription_overview", p_user_id=context.user.id)
    renewal = next((one for one in running["renewals"] if str(one["id"]) == number), None)
    if renewal is None:
        return context.show(context.rich("subscription_gone"), back(context))
    stopped = stopping.stop(context, renewal)
    text = context.rich(stopped.key, until=stopped.until or "—")
    if stopped.key == "subscription_cancel_busy":
        return context.show(text, [[(context.text("subscription_back"), "subscription")]])
    if stopped.is_running:
        return context.show(text, [[(context.text("subscription_keep"), "subscription")]])
    return context.show(text, back(context))
