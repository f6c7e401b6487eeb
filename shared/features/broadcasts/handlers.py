"""/unsubscribe, and the buttons below messages of broadcasts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db
from shared.core.texts import Text
from shared.features.broadcasts.rendering import STOP
from shared.telegram import current_context, reply
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import RecordBroadcastClick, TakesMarketing

router = Router()


def _screen(context: UpdateContext, *, takes: bool) -> tuple[Text, Keyboard]:
    """Return what the user gets, and the button that changes it."""
    if takes:
        return context.rich("broadcast_takes"), [[(context.text("broadcast_stop_button"), "unsubscribe:off")]]
    return context.rich("broadcast_stopped"), [[(context.text("broadcast_again_button"), "unsubscribe:on")]]


def _set(context: UpdateContext, *, takes: bool) -> None:
    db.call("set_marketing", p_user_id=context.user.id, p_wants=takes)


@router.message_handler(commands=["unsubscribe"], private_only=True)
def unsubscribe(_message: Message) -> None:
    """Show whether the user gets marketing messages."""
    context = current_context()
    state: TakesMarketing = db.call("takes_marketing", p_user_id=context.user.id)
    reply(*_screen(context, takes=state["takes"]))


@router.callback_query_handler(data=STOP, private_only=True, page="unsubscribe")
def stop(_call: CallbackQuery) -> None:
    """Stop marketing messages with the button below one; the message stays as it is."""
    context = current_context()
    _set(context, takes=False)
    context.answer_callback(context.text("broadcast_stopped_notice"))
    context.reply(*_screen(context, takes=False))


@router.callback_query_handler(data="unsubscribe:(?:on|off)", private_only=True, page="unsubscribe")
def switch(call: CallbackQuery) -> None:
    """Switch marketing messages off or on."""
    context = current_context()
    takes = call.data == "unsubscribe:on"
    _set(context, takes=takes)
    context.show(*_screen(context, takes=takes))


@router.callback_query_handler(data="broadcast:[0-9]{1,18}:[0-9]{1}", private_only=True, page="menu")
def follow(call: CallbackQuery) -> None:
    """Open what a button below a broadcast leads to, and count the click."""
    context = current_context()
    _, broadcast_id, number = (call.data or "").split(":")
    found: RecordBroadcastClick = db.call(
        "record_broadcast_click",
        p_broadcast_id=int(broadcast_id),
        p_user_id=context.user.id,
        p_button=int(number),
    )
    command = (found["target"] or {}).get("command")
    if (
        not command
        or not isinstance(call.message, Message)
        or not context.bot.open_page(command, call.message)
    ):
        return context.answer_callback(context.text("button_old"), alert=True)
    return None
