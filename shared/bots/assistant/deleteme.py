"""/deleteme: everything stored about a user is erased, once they have seen what they lose."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from telebot.types import CallbackQuery, Message

from shared.bots.assistant import bot
from shared.bots.assistant.features import plan_name
from shared.bots.assistant.menu import main_menu
from shared.bots.assistant.payments import renewal_line
from shared.core import db
from shared.core.texts import Text, figures, joined
from shared.telegram import current, reply
from shared.telegram.unit import Keyboard, Unit

_YES = "deleteme:yes"  # asks once more where something is lost
_LOSE = "deleteme:lose:"  # deleteme:lose:<digest of what the user was told they lose>
_NO = "deleteme:no"


@bot.message_handler(commands=["deleteme"], private_only=True)
def deleteme(_message: Message) -> None:
    """Show what is deleted, what stays and what is lost, and ask."""
    unit = current()
    running = _overview(unit)
    if charging := _charging(running):
        return reply(*_stop_first(unit, charging))
    lost = _losses(unit, running)
    text = joined(unit.rich("deleteme"), _list_of(unit, lost), unit.rich("deleteme_keeps"), separator="\n\n")
    return reply(text, [[(unit.text("deleteme_yes"), _YES)], [(unit.text("deleteme_no"), _NO)]])


@bot.callback_query_handler(func=lambda call: call.data == _NO, private_only=True, page="deleteme")
def keep(_call: CallbackQuery) -> None:
    """Leave everything as it is."""
    unit = current()
    unit.show(unit.rich("deleteme_kept"), main_menu(unit))


@bot.callback_query_handler(
    func=lambda call: call.data == _YES or (call.data or "").startswith(_LOSE),
    private_only=True,
    page="deleteme",
)
def erase(call: CallbackQuery) -> None:
    """Erase the user; one who loses something is asked once more, with what they have at this moment."""
    unit = current()
    running = _overview(unit)
    if charging := _charging(running):
        return unit.show(*_stop_first(unit, charging))
    lost = _losses(unit, running)
    if lost and call.data != _LOSE + _digest(lost):
        return _ask_again(unit, lost)
    unit.erase()
    return unit.show(unit.rich("deleteme_done"))


def _overview(unit: Unit) -> dict[str, Any]:
    overview: dict[str, Any] = db.call("subscription_overview", p_user_id=unit.person.id)
    return overview


def _charging(running: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the auto-renewals that the provider would go on charging after the user is erased."""
    return [renewal for renewal in running["renewals"] if renewal["status"] in ("active", "past_due")]


def _losses(unit: Unit, running: dict[str, Any]) -> list[str]:
    """Return what an erasure takes from the user: a plan, bonus requests, trainings, a balance."""
    lost = []
    if running["plan"] != "FREE":
        until = running["ends_at"] and unit.date(running["ends_at"])
        key = "deleteme_plan_until" if until else "deleteme_plan"
        lost.append(unit.text(key, plan=plan_name(unit, running["plan"]), until=until or ""))
    if unit.usage.bonus_credits:
        lost.append(unit.text("deleteme_credits", credits=unit.usage.bonus_credits))
    given = db.call("training_overview", p_user_id=unit.person.id)["trainings"]
    if trainings := sum(max(one["quantity"] - one["used"], 0) for one in given):
        lost.append(unit.text("deleteme_trainings", trainings=trainings))
    if unit.person.balance > 0:
        balance = figures.money(unit.language, unit.person.balance, unit.person.currency)
        lost.append(unit.text("deleteme_balance", balance=balance))
    return lost


def _list_of(unit: Unit, lost: list[str]) -> Text:
    if not lost:
        return unit.rich("deleteme_loses_nothing")
    lines = Text("\n".join(f"• {line}" for line in lost), [])
    return joined(unit.rich("deleteme_loses"), lines, separator="\n")


def _digest(lost: list[str]) -> str:
    return sha256("\n".join(lost).encode()).hexdigest()[:16]


def _ask_again(unit: Unit, lost: list[str]) -> None:
    text = joined(
        unit.rich("deleteme_sure"), _list_of(unit, lost), unit.rich("deleteme_final"), separator="\n\n"
    )
    yes = (unit.text("deleteme_lose"), _LOSE + _digest(lost))
    unit.show(text, [[yes], [(unit.text("deleteme_no"), _NO)]])


def _stop_first(unit: Unit, charging: list[dict[str, Any]]) -> tuple[Text, Keyboard]:
    lines = joined(*(renewal_line(unit, renewal) for renewal in charging), separator="\n")
    text = joined(unit.rich("deleteme_renewal"), lines, unit.rich("deleteme_renewal_how"), separator="\n\n")
    return text, [
        [(unit.text("deleteme_subscription"), "subscription")],
        [(unit.text("deleteme_no"), _NO)],
    ]
