"""A question as a file of another program has it, before it becomes one of ours."""

from __future__ import annotations

from dataclasses import dataclass, field


class UnreadableLine(ValueError):
    """The file breaks its format, or uses a part of it that we do not take. `line` counts from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line


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
