"""/mode: how the bot answers plain text."""

from __future__ import annotations

from telebot.types import CallbackQuery, Message

from shared.ai.modes import DEFAULT, MODES, Mode, find_mode
from shared.core.texts import Text
from shared.features.chat import web
from shared.features.common.media.kinds import kind_of_mode
from shared.features.common.media.modes import includes, mode_titles
from shared.telegram import current_context, reply
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

router = Router()

_PREFIX = "mode:"


def current_mode(context: UpdateContext) -> Mode:
    """Return the chosen mode, or the default one when the user's plan does not include it."""
    return find_mode(
        context.mode if context.mode in MODES and _is_included(context, context.mode) else DEFAULT
    )


def _is_included(context: UpdateContext, key: str) -> bool:
    if key.startswith(web.PREFIX):
        return web.includes(context, key)
    if kind := kind_of_mode(key):
        return includes(context, kind, key)
    return key == DEFAULT or context.includes("modes")


def _modes(context: UpdateContext) -> dict[str, tuple[str, str]]:
    """Return title and description of each mode: first those of the conversation."""
    chats = {key: (context.text(f"mode_{key}"), context.text(f"mode_{key}_about")) for key in MODES}
    return chats | web.mode_titles(context) | mode_titles(context)


def _label(context: UpdateContext, key: str, title: str) -> str:
    return title if _is_included(context, key) else context.text("mode_locked", mode=title)


def _in_line(about: str, title: str) -> str:
    """Return a description as it stands behind a dash: with a small letter, unless it begins with a name."""
    first = about.split(maxsplit=1)[0]
    is_name = not first[1:].islower() or first in title.split()
    return about if is_name else about[0].lower() + about[1:]


def _screen(context: UpdateContext) -> tuple[Text, Keyboard]:
    modes = _modes(context)
    labels = {key: _label(context, key, title) for key, (title, _) in modes.items()}
    lines = "\n".join(
        f"{labels[key]} — {_in_line(about, labels[key])}" if about else labels[key]
        for key, (_, about) in modes.items()
    )
    current = context.mode if context.mode in modes else current_mode(context).key
    text = context.rich("mode_choose", modes=lines, current=modes[current][0])
    rows = [[(label, _PREFIX + key)] for key, label in labels.items()]
    return text, [*rows, [(context.text("menu_back"), "menu")]]


@router.message_handler(commands=["mode"])
def mode(_message: Message) -> None:
    """Offer the modes."""
    context = current_context()
    reply(*_screen(context))


@router.callback_query_handler(data="mode")
def show_mode(_call: CallbackQuery) -> None:
    """Offer the modes under the menu's button."""
    context = current_context()
    context.show(*_screen(context))


@router.callback_query_handler(data=_PREFIX + ".+")
def choose_mode(call: CallbackQuery) -> None:
    """Answer in the chosen way from now on, in this chat."""
    context = current_context()
    key = (call.data or "").removeprefix(_PREFIX)
    modes = _modes(context)
    if key not in modes:
        context.answer_callback(context.text("mode_gone"), alert=True)
    elif not _is_included(context, key):
        return context.answer_callback(context.text("mode_not_included"), alert=True)
    elif key != context.mode:
        context.set_mode(key)
        context.answer_callback(context.text("mode_set", mode=modes[key][0]))
    else:
        return context.answer_callback(context.text("mode_set", mode=modes[key][0]))
    return context.show(*_screen(context))
