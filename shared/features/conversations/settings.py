"""What the user set for the current conversation, and how it is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core import db
from shared.telegram.context import StateUnavailable

if TYPE_CHECKING:
    from shared.core.sql_types import ListConversations, UpdateConversation
    from shared.telegram.context import UpdateContext

CURRENT = "conversation"  # the key of the session's data: the id of a row; without it, the main conversation
_OF_A_CONVERSATION = ("pictures", "late_pictures")  # keys that end with a switch


def current_id(context: UpdateContext) -> int:
    """Return the id of the current conversation; 0 of the main one while nothing is set for it."""
    return context.conversation.id if context.conversation is not None else 0


def list_all(context: UpdateContext) -> ListConversations:
    """Return the conversations of this chat or topic, and what the plan allows.

    Raises:
        StateUnavailable: there is no database.
    """
    if context.is_offline:
        raise StateUnavailable
    return list_in(context.user.id, context.bot.name, context.update.chat_id, context.update.thread_id)


def list_in(user_id: int, bot: str, chat_id: int, thread: int) -> ListConversations:
    """Return the conversations of a user in a chat or topic of a bot, and what the plan allows."""
    found: ListConversations = db.call(
        "list_conversations", p_user_id=user_id, p_bot=bot, p_chat_id=chat_id, p_thread=thread
    )
    return found


def change(context: UpdateContext, conversation: int, **changes: str | None) -> UpdateConversation:
    """Change a conversation: its name, model or instructions; None removes one.

    Args:
        conversation: its id; 0: the main one.

    Raises:
        StateUnavailable: there is no database.
    """
    if context.is_offline:
        raise StateUnavailable
    done: UpdateConversation = db.call(
        "update_conversation",
        p_user_id=context.user.id,
        p_bot=context.bot.name,
        p_chat_id=context.update.chat_id,
        p_thread=context.update.thread_id,
        p_id=conversation,
        p_changes=changes,
    )
    if done["outcome"] == "updated" and conversation == current_id(context) == 0:
        context.set_data(CURRENT, done["id"])
    return done


def switch(context: UpdateContext, conversation: int | None) -> None:
    """Make a conversation the current one; None: the main one, for which nothing is set."""
    context.set_data(CURRENT, conversation)
    for key in _OF_A_CONVERSATION:
        if context.data.get(key) is not None:
            context.set_data(key, None)
