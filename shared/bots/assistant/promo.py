"""/promo: a promo code is redeemed, written behind the command, sent by itself, or carried by a link."""

from __future__ import annotations

import re
from typing import Any

from telebot.types import CallbackQuery, Message

from shared import db
from shared.bots.assistant import bot
from shared.bots.assistant.menu import back, main_menu
from shared.bots.assistant.profile import plan_name
from shared.telegram import current, reply
from shared.telegram.unit import Keyboard, Unit
from shared.texts import Text

_AWAITING = "promocode"
_CODE = re.compile(r"[A-Za-z0-9_-]{3,32}")
_GIVEN = {"month": "promo_month", "credits": "promo_credits", "trainings": "promo_trainings"}
_REFUSED = {
    "unknown": "promo_unknown",
    "expired": "promo_expired",
    "used_up": "promo_used_up",
    "not_yet": "promo_not_yet",
    "too_many_tries": "promo_too_many_tries",
}

Redeemed = dict[str, Any]  # what redeem_promocode returns


@bot.message_handler(commands=["promo"], private_only=True)
def promo(message: Message) -> None:
    """Redeem the code behind the command, or ask for one."""
    unit = current()
    _command, _, code = (message.text or "").partition(" ")
    if not code.strip():
        unit.set_data("awaiting", _AWAITING)
        return reply(unit.rich("promo_ask"), _cancel(unit))
    return reply(*redeem(unit, code.strip()))


@bot.callback_query_handler(func=lambda call: call.data == "promo", private_only=True, page="promo")
def ask(_call: CallbackQuery) -> None:
    """Ask for a code under a button; the next message is it."""
    unit = current()
    unit.set_data("awaiting", _AWAITING)
    unit.show(unit.rich("promo_ask"), _cancel(unit))


@bot.callback_query_handler(func=lambda call: call.data == "promo:cancel", private_only=True, page="promo")
def cancel(_call: CallbackQuery) -> None:
    """Wait for no code any more."""
    unit = current()
    if unit.data.get("awaiting") == _AWAITING:
        unit.set_data("awaiting", None)
    unit.show(unit.rich("menu"), main_menu(unit))


def _is_awaited(message: Message) -> bool:
    return current().data.get("awaiting") == _AWAITING and not (message.text or "").startswith("/")


@bot.message_handler(func=_is_awaited, content_types=["text"])
def take_code(message: Message) -> None:
    """Redeem the code that was asked for."""
    reply(*redeem(current(), (message.text or "").strip()))


def redeem(unit: Unit, code: str) -> tuple[Text, Keyboard]:
    """Redeem a code, once for an update, and return what to say; a wrong one may be sent again."""
    if not _CODE.fullmatch(code):
        unit.set_data("awaiting", _AWAITING)
        return unit.rich("promo_malformed"), _cancel(unit)
    told: Redeemed = db.call(
        "redeem_promocode", p_user_id=unit.person.id, p_code=code, p_reference=unit.reference
    )
    is_unknown = told["outcome"] == "unknown"
    unit.set_data("awaiting", _AWAITING if is_unknown else None)
    if is_unknown:
        return _words(unit, code, told), _cancel(unit)
    waits = told.get("waits") or (told["outcome"], told.get("kind")) == ("redeemed", "percent")
    return _words(unit, code, told), [[(unit.text("menu_buy"), "buy")], *back(unit)] if waits else back(unit)


def _words(unit: Unit, code: str, told: Redeemed) -> Text:
    code = code.upper()
    until = unit.date(told["until"]) if "until" in told else ""
    match told["outcome"]:
        case "redeemed" if told["kind"] == "percent":
            key = "promo_percent_until" if until else "promo_percent"
            return unit.rich(key, code=code, percent=told["value"], until=until)
        case "redeemed":
            plan = plan_name(unit, told["plan"]) if "plan" in told else ""
            return unit.rich(_GIVEN[told["kind"]], code=code, value=told["value"], plan=plan, until=until)
        case "already_used" if told["waits"]:
            return unit.rich("promo_waits", code=code, percent=told["value"])
        case "already_used":
            return unit.rich("promo_already_used", code=code)
        case outcome:
            begins = unit.date(told["from"]) if "from" in told else ""
            return unit.rich(_REFUSED[outcome], code=code, date=begins)


def _cancel(unit: Unit) -> Keyboard:
    return [[(unit.text("promo_cancel"), "promo:cancel")]]
