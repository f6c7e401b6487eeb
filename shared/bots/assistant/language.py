"""/language: in which language the bots speak with a person."""

from __future__ import annotations

from telebot.types import CallbackQuery, Message

from shared.bots.assistant import bot
from shared.bots.assistant.menu import main_menu, menu_text
from shared.core import texts
from shared.telegram import current, reply
from shared.telegram.unit import Keyboard, Unit

_PREFIX = "language:"


def _choices(unit: Unit) -> Keyboard:
    row = [(texts.language(code).NAME, _PREFIX + code) for code in texts.languages()]
    return [row, [(unit.text("menu_back"), "menu")]]


@bot.message_handler(commands=["language"])
def language(_message: Message) -> None:
    """Offer the languages there are."""
    unit = current()
    reply(unit.rich("language_choose"), _choices(unit))


@bot.callback_query_handler(func=lambda call: call.data == "language")
def show_language(_call: CallbackQuery) -> None:
    """Offer the languages under the menu's button."""
    unit = current()
    unit.show(unit.rich("language_choose"), _choices(unit))


@bot.callback_query_handler(func=lambda call: (call.data or "").startswith(_PREFIX))
def choose_language(call: CallbackQuery) -> None:
    """Speak the chosen language from now on, in all bots."""
    unit = current()
    code = (call.data or "").removeprefix(_PREFIX)
    if code in texts.languages():
        unit.set_language(code)
    unit.notice(unit.text("language_set"))
    unit.show(menu_text(unit), main_menu(unit))
