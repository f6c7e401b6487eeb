"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Finding:
    """`ok`, `note` (works, but look at it), `wrong`, or `unknown` (could not be asked). Holds no secret."""

    state: str
    text: str
    remedy: str = ""

    @classmethod
    def ok(cls, text: str) -> Self:
        """Return: nothing to do."""
        return cls("ok", text)

    @classmethod
    def note(cls, text: str, remedy: str = "") -> Self:
        """Return: it works, and the owner should know."""
        return cls("note", text, remedy)

    @classmethod
    def wrong(cls, text: str, remedy: str) -> Self:
        """Return: it does not work; the exit status is 1."""
        return cls("wrong", text, remedy)

    @classmethod
    def unknown(cls, text: str, remedy: str = "") -> Self:
        """Return: nothing says whether it works."""
        return cls("unknown", text, remedy)
