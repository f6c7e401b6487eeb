"""Joins the messages into which a client cuts a text longer than Telegram's limit: one question, one answer.

Telegram delivers the next part only after our answer to this one, so a request cannot wait for it. A part at
the length limit is held instead: its update stays open, its words are noted in the session, and the next text
takes them along. The sweep answers a part that stayed alone.
"""

from __future__ import annotations

from typing import Any

from shared.telegram.unit import Unit

HOLD_SECONDS = 5  # how long at least a part waits for the next one before the sweep answers it
_WHOLE = 4096  # UTF-16 units: a part of this length was cut in the middle of a line
_LONGEST = 65_536  # characters that are noted; far more than is answered
_NOTE = "paste"


def with_earlier_parts(unit: Unit, words: str) -> str:
    """Return the words of a new message behind the parts that were held, which end with this update."""
    note = unit.data.get(_NOTE)
    if not isinstance(note, dict) or unit.incoming.kind != "message" or unit.is_offline:
        return words
    unit.set_data(_NOTE, None)
    if (
        note["update_id"] == unit.incoming.update_id
    ):  # delivered again, or taken by the sweep: the note has it
        return str(note["text"])
    unit.finish_held(note["update_id"])
    break_ = "" if note["is_whole"] else "\n"
    return f"{note['text']}{break_}{words}"


def hold(unit: Unit, words: str) -> None:
    """Note the words for the next message and show that the bot is at work."""
    is_whole = unit.incoming.text_length >= _WHOLE
    note = {"update_id": unit.incoming.update_id, "text": words[:_LONGEST], "is_whole": is_whole}
    unit.set_data(_NOTE, note)
    unit.hold(HOLD_SECONDS)
    action: dict[str, Any] = {"chat_id": unit.incoming.chat_id, "action": "typing"}
    if unit.incoming.thread_id:
        action["message_thread_id"] = unit.incoming.thread_id
    unit.call("sendChatAction", action)
