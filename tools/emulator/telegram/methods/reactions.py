"""Reactions of a bot."""

from __future__ import annotations

from typing import Any

from tools.emulator.telegram.call import Call, method
from tools.emulator.telegram.errors import bad_request
from tools.emulator.telegram.reactions import EMOJI


@method(
    "setMessageReaction",
    "chat_id", "message_id", "reaction",
    note="Emoji only; a group may use all of them.",
)  # fmt: skip
def set_message_reaction(call: Call) -> bool:
    """React to a message with at most one emoji, or take the reaction back."""
    room = call.room()
    stored = call.message(room, "message to react not found")
    given = call.json("reaction", "reaction types") or []
    if not isinstance(given, list):
        raise bad_request("expected an Array of ReactionType")
    if len(given) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    call.state.react(room, stored, call.bot.json(), [_emoji(one) for one in given])
    return True


def _emoji(value: Any) -> str:
    if not isinstance(value, dict):
        raise bad_request("can't parse ReactionType: expected an Object")
    if value.get("type") not in ("emoji", "custom_emoji"):
        raise bad_request("can't parse ReactionType: invalid reaction type specified")
    emoji = value.get("emoji")
    if emoji not in EMOJI:
        raise bad_request("REACTION_INVALID")
    return str(emoji)
