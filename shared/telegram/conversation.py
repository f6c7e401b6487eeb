"""The conversation with the AI that an update belongs to, as `receive_update` loads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.core.sql_types import LoadConversation, LoadConversationFiles, LoadConversationModels

LONGEST_NAME = 60  # characters
_LONGEST_TITLE = 40


@dataclass(frozen=True)
class Conversation:
    """A conversation with a name or settings of its own.

    Attributes:
        is_main: the one of a session before the user begins another.
        name: None until its first question.
        model: the chosen model, a key of `ai_modes`; None: the standard one.
        model_feature: the plan feature that the chosen model needs.
        models: what may be called for it, the first one first; empty where it cannot be used today.
        instructions: what the user wants of each answer.
        summary: of earlier messages, which the history leaves out.
        files: names and texts of the documents that the user added; only of a question.
        file_characters: of all files together.
        cost: the most that a question costs, in US dollars; None: as with the standard model.
    """

    id: int
    is_main: bool
    name: str | None
    model: str | None
    model_feature: str | None
    models: Sequence[LoadConversationModels]
    instructions: str | None
    summary: str | None
    files: Sequence[LoadConversationFiles]
    file_characters: int
    cost: str | None

    def question_cost(self, standard: Decimal) -> Decimal:
        """Return the most that a question costs, as `receive_update` computes it.

        Args:
            standard: with the standard model and without files; its estimate has at least 60,000 characters.
        """
        with_files = standard * (1 + Decimal(self.file_characters) / 60_000)
        return with_files if self.cost is None else max(with_files, Decimal(self.cost))


def load_conversation(row: LoadConversation | None) -> Conversation | None:
    """Return the conversation of an update; None: the main one, for which nothing is set."""
    if row is None:
        return None
    return Conversation(
        id=row["id"],
        is_main=row["is_main"],
        name=row["name"],
        model=row["model"],
        model_feature=row["model_feature"],
        models=row["models"],
        instructions=row["instructions"],
        summary=row["summary"],
        files=row["files"],
        file_characters=row["file_characters"],
        cost=row["cost"],
    )


def title_of(question: str) -> str:
    """Return a name for a conversation that begins with a question; quoted lines are left out."""
    lines = [line for line in question.splitlines() if line.strip() and not line.startswith(">")]
    words = " ".join(" ".join(lines or [question]).split())
    if len(words) <= _LONGEST_TITLE:
        return words or "…"
    cut = words[:_LONGEST_TITLE]
    return (cut.rpartition(" ")[0] or cut).rstrip(" ,.;:!?") + "…"
