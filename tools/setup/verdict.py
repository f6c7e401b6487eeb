"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Verdict:
    """Good, bad, or unknown because the other side could not be asked; the text never holds a secret."""

    state: str  # "ok", "wrong", "unknown", "warning"
    text: str

    @classmethod
    def good(cls, text: str) -> Self:
        """Return: the answer is right."""
        return cls("ok", text)

    @classmethod
    def bad(cls, text: str) -> Self:
        """Return: the answer is wrong; the text says what to do."""
        return cls("wrong", text)

    @classmethod
    def unknown(cls, text: str) -> Self:
        """Return: nothing says whether it is right."""
        return cls("unknown", text)

    @classmethod
    def warning(cls, text: str) -> Self:
        """Return: the answer works, but hardly as the owner means it."""
        return cls("warning", text)

    @property
    def is_good(self) -> bool:
        """Whether the answer can be used."""
        return self.state == "ok"

    @property
    def is_unknown(self) -> bool:
        """Whether it may be used if the owner says so."""
        return self.state in ("unknown", "warning")

    def __str__(self) -> str:
        return f"{self.state}: {self.text}"
