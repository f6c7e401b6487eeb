"""The files of a course, `content/<course>/`, as strict models (docs/courses.md has an example).

The limits are those of the tables (supabase/schemas/tables/courses).
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.features.common.tiers import Tier

Word = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
Line = Annotated[str, Field(min_length=1, max_length=1_000, pattern=r"\S")]
Markdown = Annotated[str, Field(min_length=1, max_length=100_000, pattern=r"\S")]
ProductKey = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")]
Reference = Annotated[str, Field(pattern=r"^[A-Za-z0-9_./-]{1,200}$")]
# What pages show of a course's folder; anything else would be downloaded under a wrong type.
FILE_NAME = r"[a-z0-9][a-z0-9_-]{0,60}(\.(en|ru))?\.(md|txt|csv|pdf|png|jpg|webp|webm|mp4|vtt)"


class _Model(BaseModel):
    """A part of a file; unknown keys and other types are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class About(_Model):
    """A course in one language; its description is `course.<language>.md`."""

    title: Word
    summary: Line


class Offer(_Model):
    """What sells a tier: a product, made at the first load, with suggested prices by currency."""

    product: ProductKey
    tier: Tier
    access_days: Annotated[int, Field(gt=0)] | None = None
    prices: Annotated[dict[str, Annotated[Decimal, Field(strict=False, gt=0)]], Field(min_length=1)]
    titles: Annotated[dict[str, Word], Field(min_length=1)]


class CourseFile(_Model):
    """`course.toml`."""

    position: int = 0
    published: bool = True
    plan_tier: Tier | None = None
    shows_learner_count: bool = False
    about: Annotated[dict[Literal["en", "ru"], About], Field(min_length=1)]
    next_step: dict[str, Markdown] = {}
    next_product: ProductKey | None = None
    offers: list[Offer] = []


class Video(_Model):
    """A video: its host and its name there; in the course's folder it is a file name."""

    adapter: Literal["storage", "youtube", "kinescope"]
    reference: Reference


class File(_Model):
    """A file to download. One whose name ends in a language (`script.ru.md`) is for that language."""

    name: Word
    reference: Reference


class Wording(_Model):
    """A question in one language."""

    question: Line
    options: Annotated[list[Line], Field(min_length=2, max_length=10)]
    explanation: Line


class Question(_Model):
    """A question, whose options stand in the same order in all languages."""

    correct: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]
    texts: Annotated[dict[Literal["en", "ru"], Wording], Field(min_length=1)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        sizes = {len(one.options) for one in self.texts.values()}
        if len(sizes) != 1:
            raise ValueError("languages differ in the number of their options")
        if len(set(self.correct)) != len(self.correct) or max(self.correct) >= sizes.pop():
            raise ValueError("correct: different numbers of options, from 0")
        return self


class Quiz(_Model):
    """The quiz of a lesson."""

    pass_percent: Annotated[int, Field(ge=1, le=100)] = 80
    attempts: Annotated[int, Field(ge=1)] | None = None
    questions: Annotated[list[Question], Field(min_length=1, max_length=50)]


class Homework(_Model):
    """The homework of a lesson, by language, in Markdown."""

    tier: Tier = "basic"
    texts: Annotated[dict[Literal["en", "ru"], Markdown], Field(min_length=1)]


class LessonFile(_Model):
    """`NN_name.toml`; the texts are `NN_name.<language>.md`, whose first line is the title."""

    tier: Tier = "basic"
    published: bool = True
    preview: bool = False
    required: bool = True
    completion: Literal["watched", "quiz", "button", "opened"] = "button"
    watch_percent: Annotated[int, Field(ge=1, le=100)] = 80
    duration_seconds: Annotated[int, Field(ge=1, le=86_400)] | None = None
    release_days: Annotated[int, Field(ge=0, le=3_650)] | None = None
    release_at: datetime | None = None
    video: Video | None = None
    files: list[File] = []
    quiz: Quiz | None = None
    homework: Homework | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.completion == "watched" and (self.video is None or self.duration_seconds is None):
            raise ValueError('completion = "watched" needs a video and duration_seconds')
        if self.completion == "quiz" and self.quiz is None:
            raise ValueError('completion = "quiz" needs a quiz')
        if self.release_days is not None and self.release_at is not None:
            raise ValueError("release_days and release_at exclude each other")
        if self.release_at is not None and self.release_at.tzinfo is None:
            raise ValueError("release_at needs a time zone: 2027-01-31T09:00:00+03:00")
        return self
