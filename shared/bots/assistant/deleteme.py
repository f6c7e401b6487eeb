"""/deleteme: everything that is stored about a person is erased, once they know what is lost."""

from __future__ import annotations

from decimal import Decimal

from telebot.types import CallbackQuery, Message

from shared import db
from shared.bots.assistant import bot
from shared.bots.assistant.menu import main_menu
from shared.telegram import current, reply
from shared.telegram.unit import Keyboard, Unit
from shared.texts import Text, figures

_YES = "deleteme:yes"
_LOSE = "deleteme:lose:"  # and the balance that the person was told they lose
_NO = "deleteme:no"


@bot.message_handler(commands=["deleteme"], private_only=True)
def deleteme(_message: Message) -> None:
    """Say what is erased, what stays, what is lost, and ask."""
    unit = current()
    if _is_charged(unit):
        return reply(*_stop_first(unit))
    buttons = [[(unit.text("deleteme_yes"), _YES)], [(unit.text("deleteme_no"), _NO)]]
    return reply(unit.rich("deleteme", balance=_balance(unit)), buttons)


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
    """Erase the person; whoever has money here is asked once more, with the sum of this moment."""
    unit = current()
    if _is_charged(unit):
        return unit.show(*_stop_first(unit))
    balance = unit.person.balance
    if balance > 0 and call.data != f"{_LOSE}{balance}":
        return _ask_again(unit, balance)
    unit.erase()
    return unit.show(unit.rich("deleteme_done"))


def _is_charged(unit: Unit) -> bool:
    """Whether a payment repeats itself: the provider would go on charging somebody whom we no longer know."""
    running = db.call("subscription_overview", p_user_id=unit.person.id)["renewals"]
    return any(renewal["status"] in ("active", "past_due") for renewal in running)


def _stop_first(unit: Unit) -> tuple[Text, Keyboard]:
    buttons = [[(unit.text("deleteme_subscription"), "subscription")], [(unit.text("deleteme_no"), _NO)]]
    return unit.rich("deleteme_renewal"), buttons


def _ask_again(unit: Unit, balance: Decimal) -> None:
    label = unit.text("deleteme_lose", balance=_balance(unit))
    buttons = [[(label, f"{_LOSE}{balance}")], [(unit.text("deleteme_no"), _NO)]]
    unit.show(unit.rich("deleteme_balance", balance=_balance(unit)), buttons)


def _balance(unit: Unit) -> str:
    return figures.money(unit.language, unit.person.balance, unit.person.currency)
