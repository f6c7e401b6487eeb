"""/support, the wish for a human or the bot, and the question after closing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db
from shared.core.config import settings
from shared.features.common.menu import back
from shared.features.messenger import business, human_button
from shared.telegram import current_context, reply
from shared.telegram.context import UpdateContext
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import RateConversation

router = Router(business.router)


@router.message_handler(commands=["support"], private_only=True)
def support(_message: Message) -> None:
    """Offer a human of the team; where they answer already, the way back to the bot."""
    context = current_context()
    if context.messenger is None:
        return _without_messenger(context)
    if context.messenger.handler == "bot":
        return reply(context.rich("support"), [*human_button(context), *back(context)])
    return reply(context.rich("support_waiting"), [[(context.text("support_robot"), "robot")]])


def _without_messenger(context: UpdateContext) -> None:
    contact = settings().support_contact
    text = context.rich("support_contact", contact=contact) if contact else context.rich("support_none")
    reply(text, back(context))


@router.callback_query_handler(data="human", private_only=True, page="support")
def want_human(_call: CallbackQuery) -> None:
    """Let a human answer from now on."""
    context = current_context()
    if context.messenger is None:
        return _without_messenger(context)
    context.wish_handler("human")
    return context.show(context.rich("support_waiting"), [[(context.text("support_robot"), "robot")]])


@router.callback_query_handler(data="robot", private_only=True, page="support")
def want_bot(_call: CallbackQuery) -> None:
    """Let the bot answer again."""
    context = current_context()
    if context.messenger is not None:
        context.wish_handler("bot")
    context.show(context.rich("bot_is_back"))


@router.callback_query_handler(
    data=r"rate:[0-9]{1,18}:[1-5]", private_only=True, page="support", keeps_wait=True
)
def rate(call: CallbackQuery) -> None:
    """Record how the user rates a closed conversation."""
    context = current_context()
    _, conversation, rating = (call.data or "").split(":")
    rated: RateConversation = db.call(
        "rate_conversation",
        p_user_id=context.user.id,
        p_conversation_id=int(conversation),
        p_rating=int(rating),
    )
    context.show(context.rich("messenger_rated" if rated["outcome"] == "rated" else "messenger_rated_late"))
