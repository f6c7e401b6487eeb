"""/count: shows the number, and raises it."""

from __future__ import annotations

from telebot.types import CallbackQuery, Message

from shared.telegram import current_context, reply
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

router = Router()
_MORE: Keyboard = [[("+1", "count:more")]]


@router.message_handler(commands=["count"], private_only=True)
def count(_message: Message) -> None:
    """Show the number."""
    reply(f"{current_context().data.get('count', 0)}", _MORE)


@router.callback_query_handler(data="count:more", private_only=True, page="count")
def count_more(_call: CallbackQuery) -> None:
    """Raise the number."""
    context = current_context()
    context.set_data("count", context.data.get("count", 0) + 1)
    context.show(f"{context.data['count']}", _MORE)
