"""The file of a question bank, `banks/<bank>.toml`, as strict models.

Only `library` imports this module, when a quiz needs a question. The limits are those of Telegram's quizzes
(sendPoll, Bot API 10.3), which counts in UTF-16 code units.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.core.texts import utf16_length

MAX_TEXT, MAX_OPTION, MAX_EXPLANATION = 300, 100, 200  # UTF-16 code units
MAX_LINE_BREAKS = 2  # of an explanation
LANGUAGES = ("en", "ru")

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,29}$")]


class Model(BaseModel):
    """A part of a file; unknown keys and other types are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Wording(Model):
    """A question in one language."""

    text: str
    options: list[str]
    explanation: str

    @model_validator(mode="after")
    def _within_limits(self) -> Self:
        require_length("text", self.text, MAX_TEXT)
        require_length("explanation", self.explanation, MAX_EXPLANATION)
        if self.explanation.count("\n") > MAX_LINE_BREAKS:
            raise ValueError(f"the explanation has more than {MAX_LINE_BREAKS} line breaks")
        for number, option in enumerate(self.options):
            require_length(f"option {number}", option, MAX_OPTION)
            if "\n" in option:
                raise ValueError(f"option {number} has a line break")
        if not 2 <= len(self.options) <= 12:
            raise ValueError(f"{len(self.options)} options: a question has 2 to 12")
        if len({normalized(option) for option in self.options}) < len(self.options):
            raise ValueError("two options are the same")
        return self


class Question(Model):
    """A question in one or more languages, whose options stand in the same order."""

    id: Id
    topic: Name
    level: Annotated[int, Field(ge=1, le=5)]
    right: Annotated[list[int], Field(min_length=1)]
    multiple: bool = False
    en: Wording | None = None
    ru: Wording | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        sizes = {len(wording.options) for wording in self.wordings}
        if len(sizes) != 1:
            raise ValueError("no text in any language" if not sizes else "languages differ in their options")
        size = sizes.pop()
        if self.right != sorted(set(self.right)) or not 0 <= self.right[0] <= self.right[-1] < size:
            raise ValueError(f"right: increasing numbers from 0 to {size - 1}")
        if len(self.right) > 1 and not self.multiple:
            raise ValueError("several right answers need multiple = true")
        if len(self.right) == size:
            raise ValueError("every option is right")
        return self

    @property
    def wordings(self) -> Sequence[Wording]:
        """Its texts in all of its languages."""
        return [one for one in (self.en, self.ru) if one is not None]

    @property
    def size(self) -> int:
        """The number of options."""
        return len(self.wordings[0].options)

    @property
    def version(self) -> str:
        """Eight hexadecimal digits that change with every edit of what users see or of the right answer."""
        seen = self.model_dump_json(exclude={"topic", "level"})
        return hashlib.sha256(seen.encode("utf-8", "surrogatepass")).hexdigest()[:8]

    def has(self, language: str) -> bool:
        """Return whether it has a text in a language."""
        return getattr(self, language if language in LANGUAGES else "en") is not None

    def wording(self, language: str) -> Wording:
        """Return its text in a language, else in one that it has."""
        own = self.ru if language == "ru" else self.en
        return own or self.wordings[0]


class Bank(Model):
    """A file of questions."""

    id: Name
    version: Annotated[int, Field(ge=1)]
    questions: Annotated[list[Question], Field(min_length=1)]

    @model_validator(mode="after")
    def _unique(self) -> Self:
        seen: set[str] = set()
        for question in self.questions:
            if question.id in seen:
                raise ValueError(f"two questions have the id {question.id}")
            seen.add(question.id)
        return self


def normalized(text: str) -> str:
    """Return a text in the form in which two of the same are equal: case and spaces do not count."""
    return " ".join(text.casefold().split())


def require_length(what: str, text: str, most: int) -> None:
    """Require that a text is not empty and not longer than `most` UTF-16 code units.

    Raises:
        ValueError: otherwise.
    """
    if not text.strip():
        raise ValueError(f"the {what} is missing")
    length = utf16_length(text)
    if length > most:
        raise ValueError(f"the {what} has {length} characters (UTF-16), at most {most} fit")
