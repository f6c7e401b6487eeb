"""/access: maintenance, and whether the bots serve new users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db
from shared.core.errors import Refusal
from shared.core.texts import Text
from shared.features.admin.users import button_arguments
from shared.telegram import current_context, reply
from shared.telegram.context import StateUnavailable, UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import AdminSetAccess

router = Router()

_REFUSALS = {"N0001": "unknown_command", "N0003": "admin_done_differently"}


@router.message_handler(commands=["access"], admin=True)
def access(_message: Message) -> None:
    """Show which users the bots serve, with buttons that change it."""
    reply(*_screen(current_context()))


@router.callback_query_handler(data=r"admin:access:(open|invite|closed)", admin=True)
def switch_mode(call: CallbackQuery) -> None:
    """Change which new users are served."""
    _change(mode=button_arguments(call)[0])


@router.callback_query_handler(data=r"admin:maintenance:(on|off)", admin=True)
def switch_maintenance(call: CallbackQuery) -> None:
    """Start or end maintenance."""
    _change(maintenance=button_arguments(call)[0] == "on")


def _change(mode: str | None = None, maintenance: bool | None = None) -> None:
    context = current_context()
    try:
        context.show(*_screen(context, mode, maintenance))
    except Refusal as refusal:
        if refusal.sqlstate not in _REFUSALS:
            raise
        context.answer_callback(context.text(_REFUSALS[refusal.sqlstate]), alert=True)


def _screen(
    context: UpdateContext, mode: str | None = None, maintenance: bool | None = None
) -> tuple[Text, Keyboard]:
    if context.is_offline:
        raise StateUnavailable
    found: AdminSetAccess = db.call(
        "admin_set_access",
        p_admin_email=context.user.admin_email,
        p_mode=mode,
        p_maintenance=maintenance,
        p_reference=context.reference if mode or maintenance is not None else None,
    )
    words = context.rich(
        "admin_access",
        mode=context.text(f"admin_access_{found['mode']}"),
        maintenance=context.text(f"admin_maintenance_{'on' if found['maintenance'] else 'off'}"),
    )
    modes = [
        (context.text(f"admin_button_access_{one}"), f"admin:access:{one}")
        for one in ("open", "invite", "closed")
        if one != found["mode"]
    ]
    turn = "off" if found["maintenance"] else "on"
    return words, [modes, [(context.text(f"admin_button_maintenance_{turn}"), f"admin:maintenance:{turn}")]]
