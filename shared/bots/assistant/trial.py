"""/trial: a paid plan for some days, free, once in a life."""

from __future__ import annotations

from typing import Any

from telebot.types import CallbackQuery, Message

from shared.bots.assistant import bot
from shared.bots.assistant.features import plan_name
from shared.bots.assistant.menu import back
from shared.bots.assistant.trial_offer import TRIAL
from shared.core import db
from shared.core.texts import Text
from shared.telegram import current, reply
from shared.telegram.unit import Keyboard, Unit

_START = "trial:start"


@bot.message_handler(commands=["trial"], private_only=True)
def trial(_message: Message) -> None:
    """Say what there is, or why there is nothing."""
    unit = current()
    reply(*_offer(unit))


@bot.callback_query_handler(func=lambda call: call.data == TRIAL, private_only=True, page="trial")
def show_trial(_call: CallbackQuery) -> None:
    """Say it under a button."""
    unit = current()
    unit.show(*_offer(unit))


@bot.callback_query_handler(func=lambda call: call.data == _START, private_only=True, page="trial")
def start(_call: CallbackQuery) -> None:
    """Start it; tapped again, it says until when it runs."""
    unit = current()
    unit.show(*_told(unit, db.call("start_trial", p_user_id=unit.person.id)))


def _offer(unit: Unit) -> tuple[Text, Keyboard]:
    return _told(unit, db.call("trial_offer", p_user_id=unit.person.id))


def _told(unit: Unit, trial: dict[str, Any]) -> tuple[Text, Keyboard]:
    outcome, ends_at = trial["outcome"], trial["ends_at"]
    if outcome == "already_used" and ends_at:
        outcome = "running"
    until = unit.date(ends_at) if ends_at else ""
    values = {"plan": plan_name(unit, trial["plan"]), "days": trial["days"], "until": until}
    may = outcome == "available"
    button = (unit.text("trial_start"), _START) if may else (unit.text("menu_buy"), "buy")
    return unit.rich(f"trial_{outcome}", **values), [[button], *back(unit)]
