"""What the AI answers about a message of the user, and about the lines of a real conversation."""

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


class LineAnswer(BaseModel):
    """The labels of a line of a real conversation."""

    number: int
    kind: Literal["question", "statement"]
    type: str
    alternative: str
    certainty: Literal["high", "medium", "low"]
    quote: str
    used_fragment: str


class ReviewAnswer(BaseModel):
    """The labels of the seller's lines; `review_model` restricts the types to those of a scenario."""

    lines: Sequence[LineAnswer]


def review_model(types: Sequence[str]) -> type[ReviewAnswer]:
    """Return the model of a review with an enumeration of types."""
    enumeration = StrEnum("LineType", {name: name for name in types})  # type: ignore[misc]
    line = create_model(
        "LineLabels", __base__=LineAnswer, type=(enumeration, ...), alternative=(enumeration, ...)
    )
    return create_model("ReviewLabels", __base__=ReviewAnswer, lines=(list[line], ...))  # type: ignore[valid-type]
