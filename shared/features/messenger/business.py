"""Messages of chats between customers and the owner's own account (Telegram Business).

A bot that is connected to the account gets them. They go into conversations; the bot answers none of them.
"""

from __future__ import annotations

from telebot.types import Message

from shared.core import db
from shared.core.config import settings
from shared.core.json_types import JsonObject
from shared.core.signatures import user_hash
from shared.telegram import current_context
from shared.telegram.messenger.incoming import describe_message, has_messenger
from shared.telegram.router import Router
from shared.telegram.update import BUSINESS_KINDS, Update

router = Router()


@router.update_handler(BUSINESS_KINDS[0])
@router.update_handler(BUSINESS_KINDS[1])
def receive(_message: Message) -> None:
    """Write a message of either side into the customer's conversation."""
    update = current_context().update
    content = update.content
    connection = content.get("business_connection_id")
    if not has_messenger(update.bot) or not isinstance(connection, str) or not update.is_private:
        return
    message = describe_message(content, is_edit=update.kind == BUSINESS_KINDS[1])
    if message is None:
        return
    is_own = (update.user or {}).get("id") != update.chat_id
    db.call(
        "record_business_message",
        p_bot=update.bot,
        p_connection=connection,
        p_telegram_user=_customer(update, is_own),
        p_is_own=is_own,
        p_message=message,
    )


def _customer(update: Update, is_own: bool) -> JsonObject:
    """Return the customer: the sender, or the recipient of the owner's message."""
    if not is_own and update.user is not None:
        return {**update.user, "hash": update.user_hash}
    chat = update.content["chat"]
    names = ("first_name", "last_name", "username")
    return {
        "id": update.chat_id,
        **{name: chat[name] for name in names if isinstance(chat.get(name), str)},
        "hash": user_hash(update.chat_id, settings().user_hash_key),
    }
