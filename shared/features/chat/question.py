"""What a user asks: text, and what else the message holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.core.texts import Text

if TYPE_CHECKING:
    from shared.ai.provider import Picture


@dataclass(frozen=True, slots=True)
class Question:
    """A question for the AI.

    Attributes:
        words: what the AI reads.
        remembered: what the history keeps instead of `words`.
        head: stands above the answer: the transcript of a voice message.
        pictures: what the AI sees with the words.
        has_document: the words hold a document, which must not instruct the AI.
    """

    words: str
    remembered: str | None = None
    head: Text | None = None
    pictures: tuple[Picture, ...] = ()
    has_document: bool = False


@dataclass(frozen=True, slots=True)
class Replaced:
    """The answer in the history that a new one replaces.

    Attributes:
        update_id: the update that it came from.
        begin: its text, where the new answer continues it.
    """

    update_id: int
    begin: str = ""
