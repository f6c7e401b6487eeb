"""/ban, which asks for confirmation, and /unban."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core.texts import Text
from shared.features.admin import actions
from shared.features.admin.card import find, show
from shared.features.admin.commands import act_on
from shared.features.admin.users import button_arguments, command_arguments, find_user, is_user, user_name
from shared.telegram import current_context, reply
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import AdminFindUser

router = Router()

_ASKED = "ban"  # the key in the session of what was asked: {"who", "reason"}


@router.message_handler(commands=["ban"], admin=True)
def ban(message: Message) -> None:
    """Ask whether to ban: user, reason."""
    context = current_context()
    match command_arguments(message, 2):
        case [who, *reason] if is_user(who):
            if user := find(context, who):
                reply(*_question(context, user, " ".join(reason)))
        case _:
            reply(context.rich("admin_usage_ban"))


@router.message_handler(commands=["unban"], admin=True)
def unban(message: Message) -> None:
    """Unban a user."""
    context = current_context()
    match command_arguments(message, 2):
        case [who] if is_user(who):
            act_on(context, who, actions.unban)
        case _:
            reply(context.rich("admin_usage_unban"))


@router.callback_query_handler(data=r"admin:ban:[0-9]{1,18}", admin=True)
def ask(call: CallbackQuery) -> None:
    """Ask under a card's button."""
    context = current_context()
    if user := find_user(context, button_arguments(call)[0]):
        context.show(*_question(context, user, ""))
    else:
        context.answer_callback(context.text("button_old"), alert=True)


@router.callback_query_handler(data=r"admin:ban_yes:[0-9]{1,18}", admin=True)
def confirm(call: CallbackQuery) -> None:
    """Ban, if this is still the last question: another one would have another reason."""
    context = current_context()
    (who,) = button_arguments(call)
    asked = context.data.get(_ASKED) or {}
    user = find_user(context, who)
    if user is None or str(asked.get("who")) != who:
        return context.answer_callback(context.text("admin_ban_forgotten"), alert=True)
    context.answer_callback(actions.carry_out(context, user, actions.ban, asked["reason"]).line)
    context.set_data(_ASKED, None)
    return show(context, who)


@router.callback_query_handler(data=r"admin:ban_no:[0-9]{1,18}", admin=True)
def cancel(call: CallbackQuery) -> None:
    """Cancel the ban."""
    context = current_context()
    context.set_data(_ASKED, None)
    show(context, button_arguments(call)[0])


def _question(context: UpdateContext, user: AdminFindUser, reason: str) -> tuple[Text, Keyboard]:
    who = user["telegram_id"]
    card = (context.text("admin_button_card"), f"admin:user:{who}")
    if user["is_admin"]:
        return context.rich("admin_is_admin", name=user_name(user)), [[card]]
    kept = actions.redacted_reason(reason)
    context.set_data(_ASKED, {"who": who, "reason": kept})
    key = "admin_ban_question_reason" if kept else "admin_ban_question"
    return context.rich(key, name=user_name(user), reason=kept), [
        [
            (context.text("admin_button_ban_yes"), f"admin:ban_yes:{who}"),
            (context.text("admin_button_ban_no"), f"admin:ban_no:{who}"),
        ]
    ]
