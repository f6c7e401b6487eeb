"""The answer that tests request: each kind of field that a schema can have."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, Field


class Certainty(StrEnum):
    HIGH = "high"
    LOW = "low"


class Fact(BaseModel):
    id: str = Field(max_length=40, description="A fact of the case")
    weight: int = Field(ge=0, le=100)


class Labels(BaseModel):
    """Labels of a question."""

    kind: Literal["question", "statement"]
    certainty: Certainty
    fragment: str
    alternative: Literal["question", "statement"] | None = None
    compound: bool
    facts: list[Fact]


SIMPLEST = Labels(
    kind="question",
    certainty=Certainty.HIGH,
    fragment="",
    alternative="question",
    compound=False,
    facts=[],
)
GOOD = Labels(
    kind="statement",
    certainty=Certainty.LOW,
    fragment='with {braces} and "quotes"',
    alternative=None,
    compound=True,
    facts=[Fact(id="downtime", weight=40)],
)
JSON = GOOD.model_dump_json()
