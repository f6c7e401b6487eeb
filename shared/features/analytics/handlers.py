"""Switches the daily report on and off in the chat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core import db
from shared.telegram import current_context, reply
from shared.telegram.router import Router

if TYPE_CHECKING:
    from telebot.types import CallbackQuery

router = Router()

_HOUR = 9  # of the first report; the page has the others


@router.callback_query_handler(data=r"report:(on|off)", admin=True)
def switch(call: CallbackQuery) -> None:
    """Switch the report on or off, and say so."""
    context = current_context()
    is_on = (call.data or "").endswith(":on")
    db.call("set_analytics_report", p_actor_id=context.user.id, p_hour=_HOUR if is_on else None)
    key = "analytics_report_is_on" if is_on else "analytics_report_is_off"
    other = (
        ("analytics_report_off_button", "report:off")
        if is_on
        else ("analytics_report_on_button", "report:on")
    )
    reply(context.rich(key, hour=_HOUR), [[(context.text(other[0]), other[1])]])
