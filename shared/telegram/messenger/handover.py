"""Keeps the bot silent while a human answers, and says once that the bot answers again."""

from __future__ import annotations

from shared.telegram.context import UpdateContext


def admits(context: UpdateContext) -> bool:
    """Return whether the handler of an update runs; a human may be answering it.

    The user was notified of the takeover when it happened, so texts and media get no answer of the bot. A
    button that asks the AI says why it does nothing.
    """
    state = context.messenger
    if state is None:
        return True
    if state.is_silent:
        context.release()
        if context.update.kind == "callback_query":
            context.answer_callback(context.text("human_answers"), alert=True)
        return False
    if state.is_returned:
        context.reply(context.rich("bot_is_back"))
    return True
