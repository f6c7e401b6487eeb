"""Loads the question banks, each file once a process, and chooses questions."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.features.quiz.bank_models import Bank, Question

FOLDER = Path(__file__).parent / "banks"
CHALLENGE_SIZE = 5


class InvalidBank(ValueError):
    """A bank breaks the format; the message names the file and the reason."""


def read(path: Path) -> Bank:
    """Return the bank in a file.

    Raises:
        InvalidBank: the file breaks the format.
        OSError: the file cannot be read.
    """
    from pydantic import ValidationError

    from shared.features.quiz.bank_models import Bank

    try:
        return Bank.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        reasons = "; ".join(f"{_place(one['loc'])}: {one['msg']}" for one in error.errors())
        raise InvalidBank(f"{path.name}: {reasons}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidBank(f"{path.name}: {error}") from None


def _place(location: Iterable[int | str]) -> str:
    return ".".join(str(part) for part in location) or "file"


@lru_cache(maxsize=1)
def questions() -> Mapping[str, Question]:
    """Return the questions of all banks by their ids.

    Raises:
        InvalidBank: a file breaks the format.
    """
    found: dict[str, Question] = {}
    for path in sorted(FOLDER.glob("*.toml")):
        for question in read(path).questions:
            if question.id in found:
                raise InvalidBank(f"{path.name}: another bank has the question {question.id}, too")
            found[question.id] = question
    return found


def topics(language: str) -> Sequence[str]:
    """Return the topics with questions in a language, the largest first."""
    counts: dict[str, int] = {}
    for question in questions().values():
        if question.has(language):
            counts[question.topic] = counts.get(question.topic, 0) + 1
    return sorted(counts, key=lambda topic: (-counts[topic], topic))


def levels(language: str, topic: str) -> Mapping[int, int]:
    """Return the number of questions of a topic at each level; topic empty: of all topics."""
    counts: dict[int, int] = {}
    for question in matching(language, topic, 0):
        counts[question.level] = counts.get(question.level, 0) + 1
    return dict(sorted(counts.items()))


def matching(language: str, topic: str, level: int) -> Sequence[Question]:
    """Return the questions of a topic and level; empty and 0: of all."""
    return [
        one
        for one in questions().values()
        if one.has(language) and topic in ("", one.topic) and level in (0, one.level)
    ]


def choose(found: Sequence[Question], seed: str, count: int) -> list[str]:
    """Return the ids of at most `count` questions: the same for the same seed."""
    return [one.id for one in sorted(found, key=lambda one: _order(seed, one.id))[:count]]


def challenge(day: str) -> list[str]:
    """Return the ids of a day's questions: of different topics, with a text in every language."""
    from shared.features.quiz.bank_models import LANGUAGES

    common = [one for one in questions().values() if all(map(one.has, LANGUAGES)) and not one.multiple]
    chosen: dict[str, str] = {}
    for question in sorted(common, key=lambda one: _order(day, one.id)):
        chosen.setdefault(question.topic, question.id)
    return list(chosen.values())[:CHALLENGE_SIZE]


def shuffled(seed: str, size: int) -> list[int]:
    """Return the positions 0 to `size` - 1 in an order that the seed decides."""
    return sorted(range(size), key=lambda position: _order(seed, str(position)))


def _order(seed: str, item: str) -> bytes:
    return hashlib.sha256(f"{seed}:{item}".encode()).digest()
