"""Converts a file of questions to a bank: by its name's ending, or by what it looks like."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shared.features.quiz.bank_models import Bank, Question, Wording
from tools.quiz import aiken, gift, table
from tools.quiz.draft import Draft, UnreadableLine

MAX_BYTES = 5_000_000
NO_EXPLANATION = "TODO"
_ASCII = re.compile(r"[^a-z0-9]+")
_AIKEN = re.compile(r"^ANSWER:", re.MULTILINE)


@dataclass(frozen=True)
class Defaults:
    """What a file does not say."""

    bank: str
    language: str = "en"
    topic: str = "general"
    level: int = 2


class UnreadableFile(ValueError):
    """The file is no text, too large, or has no questions; the message says which."""


def convert(path: Path, defaults: Defaults) -> Bank:
    """Return the bank that a file holds.

    Raises:
        OSError: the file cannot be read.
        UnreadableFile: it is no text, too large, or has no questions.
        UnreadableLine: it breaks its format, or a question breaks the limits of Telegram.
    """
    if path.stat().st_size > MAX_BYTES:
        raise UnreadableFile(f"{path.name} is larger than {MAX_BYTES // 1_000_000} MB")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{path.name} is not UTF-8 (byte {error.start})") from None
    drafts = _read(path, text, defaults)
    if not drafts:
        raise UnreadableFile(f"{path.name} has no questions")
    questions, seen = [], dict[str, int]()
    for draft in drafts:
        question = _question(draft, defaults)
        if question.id in seen:
            raise UnreadableLine(draft.line, f"the same question as in line {seen[question.id]}")
        seen[question.id] = draft.line
        questions.append(question)
    return Bank(id=defaults.bank, version=1, questions=questions)


def _read(path: Path, text: str, defaults: Defaults) -> Sequence[Draft]:
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv"):
        return table.read(text)
    if suffix != ".gift" and _AIKEN.search(text):
        return aiken.read(text)
    return gift.read(text, defaults.language)


def _question(draft: Draft, defaults: Defaults) -> Question:
    from pydantic import ValidationError

    digest = hashlib.sha256(draft.text.encode("utf-8", "surrogatepass")).hexdigest()
    topic = slug(draft.topic) or defaults.topic
    try:
        wording = Wording(
            text=draft.text, options=draft.options, explanation=draft.explanation or NO_EXPLANATION
        )
        return Question(
            id=f"{defaults.bank[:27].replace('_', '-')}-{digest[:12]}",
            topic=topic,
            level=draft.level or defaults.level,
            right=draft.right,
            multiple=draft.multiple,
            en=wording if defaults.language == "en" else None,
            ru=wording if defaults.language == "ru" else None,
        )
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise UnreadableLine(draft.line, reason) from None


def slug(text: str) -> str:
    """Return a text as the name of a topic; empty where no letter of it can stand in one."""
    name = _ASCII.sub("_", text.casefold()).strip("_")[:30].strip("_")
    return name if name[:1].isalpha() else ""
