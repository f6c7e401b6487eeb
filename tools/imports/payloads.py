"""Pydantic models of files of users."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints, field_validator, model_validator

from tools.database.arriving_users import MOST_XP
from tools.validation import Foreign

LONGEST_SESSION = 262_144  # characters of JSON, as public.save_user_session allows

Badge = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Count = Annotated[int, Field(ge=0, le=1_000_000_000, strict=True)]


class _Optional(Foreign):
    """An object in which null stands for a missing field, as a Python program writes None."""

    @model_validator(mode="before")
    @classmethod
    def _without_null(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {name: one for name, one in value.items() if one is not None}


class Stats(_Optional):
    """The statistics of a user. Fields beyond these are kept as they are."""

    total_trainings: Count = 0
    total_questions: Count = 0
    best_score: Count = 0
    total_xp: Annotated[int, Field(ge=0, le=MOST_XP, strict=True)] = 0
    current_level: Count = 0
    maestro_streak: Count = 0
    achievements_unlocked: Annotated[tuple[Badge, ...], Field(max_length=1000)] = ()
    last_training_date: datetime | None = None

    @field_validator("last_training_date", mode="before")
    @classmethod
    def _no_date(cls, value: object) -> object:
        return None if value == "" else value


class UserData(_Optional):
    """A user of users_data.json: the session and the statistics."""

    session: dict[str, Any] = Field(default_factory=dict)
    stats: Stats = Stats()
