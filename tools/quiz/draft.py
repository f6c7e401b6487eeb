"""A question as a file of another program has it, before it becomes one of ours."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class UnreadableLine(ValueError):
    """The file breaks its format, or uses a part of it that we do not take. `line` counts from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line


def refuse_control_characters(text: str) -> None:
    """Raise UnreadableLine where a file has a character that neither Postgres nor a message can hold."""
    if found := _CONTROL.search(text):
        raise UnreadableLine(text.count("\n", 0, found.start()) + 1, "a control character")


@dataclass
class Draft:
    """A question in one language. `line` is where it begins; topic empty, level 0: the file does not say."""

    line: int
    text: str
    options: list[str] = field(default_factory=list)
    right: list[int] = field(default_factory=list)
    explanation: str = ""
    multiple: bool = False
    topic: str = ""
    level: int = 0
