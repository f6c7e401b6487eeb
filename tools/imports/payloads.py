"""Pydantic models of files of users."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from tools.database.arriving_users import MOST_XP
from tools.validation import Foreign

LONGEST_SESSION = 262_144  # characters of JSON, as public.save_user_session allows

Badge = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
_LONGEST_SHOWN = 32  # characters of a wrong value


def _whole(most: int) -> BeforeValidator:
    """Return a validator of a statistic from 0 to `most`; 12.0 is the whole number 12."""

    def checked(value: object, info: ValidationInfo) -> int:
        whole = int(value) if isinstance(value, float) and value.is_integer() else value
        if type(whole) is not int:
            wrong = (
                "must be a whole number without quotes"
                if isinstance(value, str)
                else "must be a whole number"
            )
        elif not 0 <= whole <= most:
            wrong = f"must be from 0 to {most:,}"
        else:
            return whole
        raise ValueError(f"stats.{info.field_name} is {_shown(value)}, but {wrong}")

    return BeforeValidator(checked)


def _shown(value: object) -> str:
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    written = json.dumps(value, ensure_ascii=False)
    return written if len(written) <= _LONGEST_SHOWN else written[: _LONGEST_SHOWN - 1] + "…"


Count = Annotated[int, _whole(1_000_000_000)]


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
    total_xp: Annotated[int, _whole(MOST_XP)] = 0
    current_level: Count = 0
    maestro_streak: Count = 0
    achievements_unlocked: Annotated[tuple[Badge, ...], Field(max_length=1000)] = ()
    last_training_date: datetime | None = None

    @field_validator("last_training_date", mode="before")
    @classmethod
    def _no_date(cls, value: object) -> object:
        return None if value == "" else value


# The fields of Stats that are numbers.
COUNTS = ("total_trainings", "total_questions", "best_score", "total_xp", "current_level", "maestro_streak")


class UserData(_Optional):
    """A user of users_data.json: the session and the statistics."""

    session: dict[str, Any] = Field(default_factory=dict)
    stats: Stats = Stats()
