"""What the AI answers about a conversation: fields and signs of readiness, each with the user's own words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel

Kind = Literal["need", "budget", "timing", "decision", "payment", "refusal"]


class Found(BaseModel):
    """A field; empty where the user did not say it. `message` is the number of the message with the quote."""

    value: str
    quote: str
    message: int


class Sign(BaseModel):
    """A sign of readiness."""

    kind: Kind
    quote: str
    message: int


class LeadAnswer(BaseModel):
    """What a conversation says about its user as a buyer."""

    real_name: Found
    background: Found
    query: Found
    signals: Sequence[Sign]
    language: Literal["ru", "en", "other"]
