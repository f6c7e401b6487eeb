"""Who answers in a conversation of the messenger, and what of a bot's answers a human's takeover drops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core import db
from shared.core.errors import DatabaseUnavailable
from shared.telegram import waits
from shared.telegram.messenger.conversation import Messenger

if TYPE_CHECKING:
    from shared.core.sql_types import AnswerState, ReceiveUpdateMessenger
    from shared.telegram.context import UpdateContext


def load_messenger(context: UpdateContext, row: ReceiveUpdateMessenger) -> Messenger:
    """Return the conversation of an update, before its handler runs."""
    return Messenger(
        row["conversation_id"], row["handler"], row["takeovers"], row["is_returned"], _is_for_one(context)
    )


def _is_for_one(context: UpdateContext) -> bool:
    """Return whether only one may answer this update, the bot or a human.

    So it is with texts, media and buttons that ask the AI. Commands, other buttons and what the bot asked
    for are the bot's in any case.
    """
    update = context.update
    if update.kind == "callback_query":
        return context.bot.asks_ai(update)
    if update.kind not in ("message", "edited_message") or update.is_payment_update:
        return False
    is_command = update.text.startswith("/") and "text" in update.message and not update.is_relayed
    return not is_command and not waits.current(context)


def is_taken_over(context: UpdateContext) -> bool:
    """Return whether a human took over since the update was received (one round trip)."""
    state = context.messenger
    if state is None:
        return False
    try:
        found: AnswerState = db.call(
            "answer_state",
            p_bot=context.bot.name,
            p_update_id=context.update.update_id,
            p_attempt=context.attempt,
            p_conversation=state.conversation_id,
            p_takeovers=state.takeovers,
        )
    except DatabaseUnavailable:
        return False
    return found["outcome"] == "taken_over"
