"""Joins the messages into which a client splits a long text, so that one question gets one answer.

Telegram delivers the next part only after our answer to this one, so a request cannot wait for it. A part at
the length limit is held instead: its update stays open, its words are noted in the session, and the next text
takes them along. The sweep answers a part that stayed alone.
"""

from __future__ import annotations

from functools import partial

from shared.core.json_types import JsonObject
from shared.telegram import held
from shared.telegram.context import UpdateContext

HOLD_SECONDS = 5  # a part waits at least this long for the next one before the sweep answers it
_WHOLE = 4096  # UTF-16 units: a part of this length was cut in the middle of a line
_LONGEST = 65_536  # characters stored; far more than is answered
NOTE = "paste"


def with_earlier_parts(context: UpdateContext, words: str) -> str:
    """Return the held parts followed by the words of this message, and finish the held updates with it."""
    note = context.data.get(NOTE)
    if not isinstance(note, dict) or context.update.kind != "message" or context.is_offline:
        return words
    context.set_data(NOTE, None)
    if (
        note["update_id"] == context.update.update_id
    ):  # a redelivery, or the sweep: the stored text already includes it
        return str(note["text"])
    context.finish_held(note["update_id"])
    break_ = "" if note["is_whole"] or not (note["text"] and words) else "\n"
    return f"{note['text']}{break_}{words}"


def hold(
    context: UpdateContext, words: str, items: JsonObject | None = None, seconds: int = HOLD_SECONDS
) -> None:
    """Store the words for the next message, and show that the bot is typing.

    Args:
        items: the album that came with the words, see `albums`.
        seconds: the sweep answers after them.
    """
    note: JsonObject = {
        "update_id": context.update.update_id,
        "text": words[:_LONGEST],
        "is_whole": context.update.is_plain_text and context.update.text_length >= _WHOLE,
        **(items or {}),
    }
    context.set_data(NOTE, note)
    context.hold(seconds)
    context.after_commit.append(partial(held.wake_sweep_in, seconds))
    action: JsonObject = {"chat_id": context.update.chat_id, "action": "typing"}
    if context.update.thread_id:
        action["message_thread_id"] = context.update.thread_id
    context.call("sendChatAction", action)
