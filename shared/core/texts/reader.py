"""Who reads a text: what texts need of the user of an update and of the visitor of a page alike."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from shared.core.texts import Text


class Reader(Protocol):
    """The context of an update, or the visit of a page."""

    @property
    def language(self) -> str:
        """Code of the language."""

    def text(self, key: str, /, **values: object) -> str:
        """Return a text without its styles."""

    def rich(self, key: str, /, **values: object) -> Text:
        """Return a text with its styles."""

    def date(self, when: datetime | str, /, *, with_time: bool = False) -> str:
        """Return a day as the language writes it."""
