"""What the AI answers about a message of the user."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, create_model


class Answer(BaseModel):
    """The labels of a message; `with_types` restricts `type` and `alternative` to those of a scenario."""

    kind: Literal["question", "statement", "greeting", "command", "offtopic"]
    type: str
    alternative: str
    certainty: Literal["high", "medium", "low"]
    uses_client_words: bool
    used_fragment: str
    touches: list[str]
    compound: bool
    about_instructions: bool


def with_types(model: type[Answer], types: Sequence[str]) -> type[Answer]:
    """Return the model with an enumeration of types."""
    enumeration = StrEnum("MoveType", {name: name for name in types})  # type: ignore[misc]
    return create_model("TurnLabels", __base__=model, type=(enumeration, ...), alternative=(enumeration, ...))
