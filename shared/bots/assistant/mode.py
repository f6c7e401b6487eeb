"""/mode: how the bot answers plain text."""

from __future__ import annotations

from telebot.types import CallbackQuery, Message

from shared.ai.modes import DEFAULT, MODES, Mode, find_mode
from shared.bots.assistant import bot
from shared.core.texts import Text
from shared.telegram import current, reply
from shared.telegram.unit import Keyboard, Unit

_PREFIX = "mode:"


def current_mode(unit: Unit) -> Mode:
    """Return how this chat is answered: as chosen, while the person's plan includes it."""
    return find_mode(unit.mode if _is_included(unit, unit.mode) else DEFAULT)


def _is_included(unit: Unit, key: str) -> bool:
    return key == DEFAULT or unit.includes("modes")


def _label(unit: Unit, key: str) -> str:
    label = unit.text(f"mode_{key}")
    return label if _is_included(unit, key) else unit.text("mode_locked", mode=label)


def _choices(unit: Unit) -> Keyboard:
    rows = [[(_label(unit, key), _PREFIX + key)] for key in MODES]
    return [*rows, [(unit.text("menu_back"), "menu")]]


def _question(unit: Unit) -> Text:
    modes = "\n".join(f"{_label(unit, key)} — {unit.text(f'mode_{key}_about')}" for key in MODES)
    return unit.rich("mode_choose", modes=modes, current=unit.text(f"mode_{current_mode(unit).key}"))


@bot.message_handler(commands=["mode"])
def mode(_message: Message) -> None:
    """Offer the modes there are."""
    unit = current()
    reply(_question(unit), _choices(unit))


@bot.callback_query_handler(func=lambda call: call.data == "mode")
def show_mode(_call: CallbackQuery) -> None:
    """Offer the modes under the menu's button."""
    unit = current()
    unit.show(_question(unit), _choices(unit))


@bot.callback_query_handler(func=lambda call: (call.data or "").startswith(_PREFIX))
def choose_mode(call: CallbackQuery) -> None:
    """Answer in the chosen way from now on, in this chat."""
    unit = current()
    key = (call.data or "").removeprefix(_PREFIX)
    if key not in MODES:
        unit.notice(unit.text("mode_gone"), alert=True)
    elif not _is_included(unit, key):
        return unit.notice(unit.text("mode_not_included"), alert=True)
    elif key != unit.mode:
        unit.set_mode(key)
        unit.notice(unit.text("mode_set", mode=unit.text(f"mode_{key}")))
    else:
        return unit.notice(unit.text("mode_set", mode=unit.text(f"mode_{key}")))
    return unit.show(_question(unit), _choices(unit))
