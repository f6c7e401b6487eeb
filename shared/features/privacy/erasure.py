"""/deleteme: erases everything stored about a user, after showing what they lose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db
from shared.core.texts import Text, concat
from shared.features.common.menu import main_menu
from shared.features.payments import renewal_line
from shared.features.privacy import losses
from shared.telegram import current_context, reply
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import SubscriptionOverview, SubscriptionOverviewRenewals

router = Router()

_YES = "deleteme:yes"  # asks once more where something is lost
_LOSE = "deleteme:lose:"  # deleteme:lose:<digest of the losses that were shown>
_NO = "deleteme:no"


@router.message_handler(commands=["deleteme"], allowed_while_banned=True, private_only=True)
def deleteme(_message: Message) -> None:
    """Show what is deleted, what stays and what is lost, and ask for confirmation."""
    context = current_context()
    running = _overview(context)
    if charging := losses.charging(running):
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
    if charging := losses.charging(running):
        return context.show(*_stop_first(context, charging))
    lost = _losses(context, running)
    if lost and call.data != _LOSE + losses.digest(lost):
        return _ask_again(context, lost)
    context.erase()
    return context.show(context.rich("deleteme_done"))


def _overview(context: UpdateContext) -> SubscriptionOverview:
    overview: SubscriptionOverview = db.call("subscription_overview", p_user_id=context.user.id)
    return overview


def _losses(context: UpdateContext, running: SubscriptionOverview) -> list[str]:
    user = context.user
    return losses.of(
        context,
        user.id,
        running,
        bonus_credits=context.usage.bonus_credits,
        balance=user.balance,
        currency=user.currency,
    )


def _list_of(context: UpdateContext, lost: list[str]) -> Text:
    if not lost:
        return context.rich("deleteme_loses_nothing")
    lines = Text("\n".join(f"• {line}" for line in lost), [])
    return concat(context.rich("deleteme_loses"), lines, separator="\n")


def _ask_again(context: UpdateContext, lost: list[str]) -> None:
    text = concat(
        context.rich("deleteme_sure"),
        _list_of(context, lost),
        context.rich("deleteme_final"),
        separator="\n\n",
    )
    yes = (context.text("deleteme_lose"), _LOSE + losses.digest(lost))
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
