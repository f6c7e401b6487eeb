"""/language: the language in which the bots speak with the user."""

from __future__ import annotations

from telebot.types import CallbackQuery, Message

from shared.core import texts
from shared.features.common.menu import main_menu, menu_text
from shared.telegram import current_context, reply
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

router = Router()

_PREFIX = "language:"


def _choices(context: UpdateContext) -> Keyboard:
    row = [(texts.language(code).NAME, _PREFIX + code) for code in texts.languages()]
    return [row, [(context.text("menu_back"), "menu")]]


@router.message_handler(commands=["language"])
def language(_message: Message) -> None:
    """Offer the languages."""
    context = current_context()
    reply(context.rich("language_choose"), _choices(context))


@router.callback_query_handler(data="language")
def show_language(_call: CallbackQuery) -> None:
    """Offer the languages under the menu's button."""
    context = current_context()
    context.show(context.rich("language_choose"), _choices(context))


@router.callback_query_handler(data=_PREFIX + ".+")
def choose_language(call: CallbackQuery) -> None:
    """Speak the chosen language from now on, in all bots."""
    context = current_context()
    code = (call.data or "").removeprefix(_PREFIX)
    if code in texts.languages():
        context.set_language(code)
    context.answer_callback(context.text("language_set"))
    context.show(menu_text(context), main_menu(context))
