"""/trial: a paid plan for some days, free, once per user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db
from shared.core.texts import Text
from shared.features.common.menu import back, start_buttons
from shared.features.common.plans import plan_name
from shared.features.common.trial_offer import TRIAL
from shared.telegram import current_context, reply
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import StartTrial, TrialOffer

router = Router()

_START = "trial:start"


@router.message_handler(commands=["trial"], private_only=True)
def trial(_message: Message) -> None:
    """Show the trial, or why there is none."""
    context = current_context()
    reply(*_offer(context))


@router.callback_query_handler(data=TRIAL, private_only=True, page="trial")
def show_trial(_call: CallbackQuery) -> None:
    """Show the trial under a button."""
    context = current_context()
    context.show(*_offer(context))


@router.callback_query_handler(data=_START, private_only=True, page="trial")
def start(_call: CallbackQuery) -> None:
    """Start the trial; tapped again, it shows when it ends."""
    context = current_context()
    started: StartTrial = db.call("start_trial", p_user_id=context.user.id)
    context.show(*_render(context, started))


def _offer(context: UpdateContext) -> tuple[Text, Keyboard]:
    offer: TrialOffer | None = db.call("trial_offer", p_user_id=context.user.id)
    assert offer is not None, "this update made the user"
    return _render(context, offer)


def _render(context: UpdateContext, trial: StartTrial | TrialOffer) -> tuple[Text, Keyboard]:
    outcome: str = trial["outcome"]
    ends_at = trial["ends_at"]
    if outcome == "already_used" and ends_at:
        outcome = "running"
    until = context.date(ends_at) if ends_at else ""
    values = {"plan": plan_name(context, trial["plan"]), "days": trial["days"], "until": until}
    may = outcome == "available"
    button = (context.text("trial_start"), _START) if may else (context.text("menu_buy"), "buy")
    first = start_buttons(context) if outcome in ("started", "running") else []
    return context.rich(f"trial_{outcome}", **values), [*first, [button], *back(context)]
