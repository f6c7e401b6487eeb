"""How the leaderboard shows the user: by a number, by a name that they choose, or not at all."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db, texts, user_input
from shared.core.texts import Text
from shared.features.xp.names import shown_name, unnamed
from shared.telegram import current_context, reply, waits
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import GetProfile, SetBoardProfile

router = Router()

_AWAITING = "board_name"
LONGEST = 32  # characters of a name, as set_board_profile takes it
_LINK = re.compile(r"@|://|\w\.\w\w")  # set_board_profile refuses at most these
_BUTTON = 24  # characters of a name on a button


@router.callback_query_handler(data="board(:cancel)?", private_only=True, page="profile")
def show_board_name(_call: CallbackQuery) -> None:
    """Show how others see the user."""
    context = current_context()
    profile = _profile(context)
    context.show(*_screen(context, profile["name"], profile["number"], profile["is_hidden"]))


@router.callback_query_handler(data="board:(own|unnamed)", private_only=True, page="profile")
def choose_name(call: CallbackQuery) -> None:
    """Show the user by their first name, or by their number."""
    context = current_context()
    name = _own_name(context) if call.data == "board:own" else None
    if name == "":  # changed in Telegram since the button was sent
        return context.answer_callback(context.text("board_bad", limit=LONGEST), alert=True)
    return _save(context, name, _profile(context)["is_hidden"])


@router.callback_query_handler(data="board:(hide|show)", private_only=True, page="profile")
def hide(call: CallbackQuery) -> None:
    """Leave the user out of lists, or show them again."""
    context = current_context()
    _save(context, _profile(context)["name"], call.data == "board:hide")


@router.callback_query_handler(data="board:enter", private_only=True, page="profile")
def ask(_call: CallbackQuery) -> None:
    """Ask for a name; the next message is taken as one."""
    context = current_context()
    waits.begin(context, _AWAITING)
    context.show(context.rich("board_ask", limit=LONGEST), _cancel(context))


@router.message_handler(state=_AWAITING)
def take_name(message: Message) -> None:
    """Show the user by the name they sent."""
    context = current_context()
    waits.end(context)
    name = user_input.normalize(message.text or "")
    saved = change(context.user.id, name, _profile(context)["is_hidden"]) if name else None
    if saved is None or saved["outcome"] == "invalid_name":
        return reply(context.rich("board_bad", limit=LONGEST), _again(context))
    return reply(*_screen(context, saved["name"], saved["number"], saved["is_hidden"]))


def _profile(context: UpdateContext) -> GetProfile:
    profile: GetProfile | None = db.call("get_profile", p_user_id=context.user.id)
    assert profile is not None, "this update made the user"
    return profile


def _own_name(context: UpdateContext) -> str:
    """Return the name that Telegram gives, as short as the board takes it; empty where it doesn't fit."""
    name = _shortened(user_input.normalize(context.user.name))
    is_offered = any(letter.isalpha() for letter in name) and not _LINK.search(name)
    return name if is_offered and not _is_reserved(name) else ""


def _shortened(name: str) -> str:
    """Cut a name that is too long behind its last whole word, or within the word if there is only one."""
    if len(name) <= LONGEST:
        return name
    words = name[: LONGEST + 1].rpartition(" ")[0]
    return (words or name[:LONGEST]).strip()


def _is_reserved(name: str) -> bool:
    """Return whether a name is how the board names users without one, or the user who reads it."""
    plain = name.casefold()
    return any(
        plain == texts.text(code, "top_you").casefold()
        or re.fullmatch(re.escape(unnamed(code, 0).casefold()).replace("0", r"\d+"), plain)
        for code in texts.codes()
    )


def change(user_id: int, name: str | None, is_hidden: bool) -> SetBoardProfile | None:
    """Show a user by this name, or by a number; hide the user or not. None for a name that is reserved."""
    if name is not None and _is_reserved(name):
        return None
    saved: SetBoardProfile = db.call(
        "set_board_profile", p_user_id=user_id, p_name=name, p_is_hidden=is_hidden
    )
    return saved


def _save(context: UpdateContext, name: str | None, is_hidden: bool) -> None:
    saved = change(context.user.id, name, is_hidden)
    if saved is None or saved["outcome"] == "invalid_name":
        context.answer_callback(context.text("board_bad", limit=LONGEST), alert=True)
    else:
        context.answer_callback(context.text("board_saved"))
        context.show(*_screen(context, saved["name"], saved["number"], saved["is_hidden"]))


def _screen(context: UpdateContext, name: str | None, number: int, is_hidden: bool) -> tuple[Text, Keyboard]:
    back = [[(context.text("top_button_back"), "top")]]
    if is_hidden:
        return context.rich("board_hidden"), [[(context.text("board_button_show"), "board:show")], *back]
    rows = []
    own = _own_name(context)
    if own and own != name:
        shown = own if len(own) <= _BUTTON else f"{own[: _BUTTON - 1].rstrip()}…"
        rows.append([(context.text("board_button_show_as", name=shown), "board:own")])
    rows.append([(context.text("board_button_enter"), "board:enter")])
    if name:
        label = context.text("board_button_show_as", name=unnamed(context.language, number))
        rows.append([(label, "board:unnamed")])
    rows.append([(context.text("board_button_hide"), "board:hide")])
    return context.rich("board", name=shown_name(context.language, name, number)), [*rows, *back]


def _cancel(context: UpdateContext) -> Keyboard:
    return [[(context.text("board_button_cancel"), "board:cancel")]]


def _again(context: UpdateContext) -> Keyboard:
    return [[(context.text("board_button_enter"), "board:enter")], *_cancel(context)]
