"""/deleteme: erases everything stored about a user, after showing what they lose."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db
from shared.core.texts import Text, concat, figures
from shared.features.common.menu import main_menu
from shared.features.common.plans import plan_name
from shared.features.payments import renewal_line
from shared.telegram import current_context, reply
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import SubscriptionOverview, SubscriptionOverviewRenewals, TrainingOverview

router = Router()

_YES = "deleteme:yes"  # asks once more where something is lost
_LOSE = "deleteme:lose:"  # deleteme:lose:<digest of the losses that were shown>
_NO = "deleteme:no"


@router.message_handler(commands=["deleteme"], allowed_while_banned=True, private_only=True)
def deleteme(_message: Message) -> None:
    """Show what is deleted, what stays and what is lost, and ask for confirmation."""
    context = current_context()
    running = _overview(context)
    if charging := _charging(running):
        return reply(*_stop_first(context, charging))
    lost = _losses(context, running)
    text = concat(
        context.rich("deleteme"), _list_of(context, lost), context.rich("deleteme_keeps"), separator="\n\n"
    )
    return reply(text, [[(context.text("deleteme_yes"), _YES)], [(context.text("deleteme_no"), _NO)]])


@router.callback_query_handler(data=_NO, allowed_while_banned=True, private_only=True, page="deleteme")
def keep(_call: CallbackQuery) -> None:
    """Leave everything as it is."""
    context = current_context()
    context.show(context.rich("deleteme_kept"), main_menu(context))


@router.callback_query_handler(
    data=[_YES, _LOSE + ".+"],
    allowed_while_banned=True,
    private_only=True,
    page="deleteme",
)
def erase(call: CallbackQuery) -> None:
    """Erase the user; with something to lose, only after a second confirmation of its current state."""
    context = current_context()
    running = _overview(context)
    if charging := _charging(running):
        return context.show(*_stop_first(context, charging))
    lost = _losses(context, running)
    if lost and call.data != _LOSE + _digest(lost):
        return _ask_again(context, lost)
    context.erase()
    return context.show(context.rich("deleteme_done"))


def _overview(context: UpdateContext) -> SubscriptionOverview:
    overview: SubscriptionOverview = db.call("subscription_overview", p_user_id=context.user.id)
    return overview


def _charging(running: SubscriptionOverview) -> list[SubscriptionOverviewRenewals]:
    """Return the auto-renewals that the provider would go on charging after the user is erased."""
    return [renewal for renewal in running["renewals"] if renewal["status"] in ("active", "past_due")]


def _losses(context: UpdateContext, running: SubscriptionOverview) -> list[str]:
    """Return what an erasure takes from the user: a plan, bonus requests, trainings, a balance."""
    lost = []
    if running["plan"] != "FREE":
        until = running["ends_at"] and context.date(running["ends_at"])
        key = "deleteme_plan_until" if until else "deleteme_plan"
        lost.append(context.text(key, plan=plan_name(context, running["plan"]), until=until or ""))
    if context.usage.bonus_credits:
        lost.append(context.text("deleteme_credits", credits=context.usage.bonus_credits))
    overview: TrainingOverview = db.call("training_overview", p_user_id=context.user.id)
    if trainings := sum(max(one["quantity"] - one["used"], 0) for one in overview["trainings"]):
        lost.append(context.text("deleteme_trainings", trainings=trainings))
    if context.user.balance > 0:
        balance = figures.money(context.language, context.user.balance, context.user.currency)
        lost.append(context.text("deleteme_balance", balance=balance))
    return lost


def _list_of(context: UpdateContext, lost: list[str]) -> Text:
    if not lost:
        return context.rich("deleteme_loses_nothing")
    lines = Text("\n".join(f"• {line}" for line in lost), [])
    return concat(context.rich("deleteme_loses"), lines, separator="\n")


def _digest(lost: list[str]) -> str:
    return sha256("\n".join(lost).encode()).hexdigest()[:16]


def _ask_again(context: UpdateContext, lost: list[str]) -> None:
    text = concat(
        context.rich("deleteme_sure"),
        _list_of(context, lost),
        context.rich("deleteme_final"),
        separator="\n\n",
    )
    yes = (context.text("deleteme_lose"), _LOSE + _digest(lost))
    context.show(text, [[yes], [(context.text("deleteme_no"), _NO)]])


def _stop_first(
    context: UpdateContext, charging: list[SubscriptionOverviewRenewals]
) -> tuple[Text, Keyboard]:
    lines = concat(*(renewal_line(context, renewal) for renewal in charging), separator="\n")
    text = concat(
        context.rich("deleteme_renewal"), lines, context.rich("deleteme_renewal_how"), separator="\n\n"
    )
    return text, [
        [(context.text("deleteme_subscription"), "subscription")],
        [(context.text("deleteme_no"), _NO)],
    ]
