"""The conversation of the messenger that an update belongs to, as `receive_update` found it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Messenger:
    """The conversation of the messenger as the update found it.

    Attributes:
        handler: who answers: bot, human or paused.
        takeovers: how often a human took over; `finish_update` compares it.
        is_returned: the bot answers again since this message.
        may_drop: only one may answer this update, the bot or the human; see `state.load_messenger`.
    """

    conversation_id: int
    handler: str
    takeovers: int
    is_returned: bool
    may_drop: bool

    @property
    def is_silent(self) -> bool:
        """Whether the bot leaves the update to the human who answers."""
        return self.handler != "bot" and self.may_drop
