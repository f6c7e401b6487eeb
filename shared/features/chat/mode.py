"""/mode: how the bot answers plain text."""

from __future__ import annotations

from telebot.types import CallbackQuery, Message

from shared.ai.modes import DEFAULT, MODES, Mode, find_mode
from shared.core.texts import Text
from shared.telegram import current_context, reply
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

router = Router()

_PREFIX = "mode:"


def current_mode(context: UpdateContext) -> Mode:
    """Return the chosen mode, or the default one when the user's plan does not include it."""
    return find_mode(context.mode if _is_included(context, context.mode) else DEFAULT)


def _is_included(context: UpdateContext, key: str) -> bool:
    return key == DEFAULT or context.includes("modes")


def _label(context: UpdateContext, key: str) -> str:
    label = context.text(f"mode_{key}")
    return label if _is_included(context, key) else context.text("mode_locked", mode=label)


def _choices(context: UpdateContext) -> Keyboard:
    rows = [[(_label(context, key), _PREFIX + key)] for key in MODES]
    return [*rows, [(context.text("menu_back"), "menu")]]


def _question(context: UpdateContext) -> Text:
    modes = "\n".join(f"{_label(context, key)} — {context.text(f'mode_{key}_about')}" for key in MODES)
    return context.rich("mode_choose", modes=modes, current=context.text(f"mode_{current_mode(context).key}"))


@router.message_handler(commands=["mode"])
def mode(_message: Message) -> None:
    """Offer the modes."""
    context = current_context()
    reply(_question(context), _choices(context))


@router.callback_query_handler(data="mode")
def show_mode(_call: CallbackQuery) -> None:
    """Offer the modes under the menu's button."""
    context = current_context()
    context.show(_question(context), _choices(context))


@router.callback_query_handler(data=_PREFIX + ".+")
def choose_mode(call: CallbackQuery) -> None:
    """Answer in the chosen way from now on, in this chat."""
    context = current_context()
    key = (call.data or "").removeprefix(_PREFIX)
    if key not in MODES:
        context.answer_callback(context.text("mode_gone"), alert=True)
    elif not _is_included(context, key):
        return context.answer_callback(context.text("mode_not_included"), alert=True)
    elif key != context.mode:
        context.set_mode(key)
        context.answer_callback(context.text("mode_set", mode=context.text(f"mode_{key}")))
    else:
        return context.answer_callback(context.text("mode_set", mode=context.text(f"mode_{key}")))
    return context.show(_question(context), _choices(context))
