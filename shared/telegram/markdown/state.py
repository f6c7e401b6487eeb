"""The state of rendering one document: the output so far and the elements that are open around it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.telegram.markdown.literals import Literals
from shared.telegram.markdown.output import Page
from shared.telegram.markdown.parser import Step

Cell = list[Step]

_ROW = frozenset({"TableHead", "TableRow"})
_ENDS = frozenset({"/TableHead", "/TableRow", "/TableCell"})
_LINKS = frozenset({"Link", "Image"})


@dataclass(slots=True)
class List:
    """An open list."""

    indent: str
    is_loose: bool = False  # its items are paragraphs separated by blank lines


@dataclass(slots=True)
class Link:
    """An open link."""

    target: str
    note: str
    piece: int  # the index of its first piece on the page
    end: str  # the closing bracket to write
    title: str


@dataclass(slots=True)
class Table:
    """An open table. Its steps are collected, because its layout is decided at its end."""

    alignments: Sequence[str]
    rows: list[list[Cell]] = field(default_factory=list)  # the header first
    has_links: bool = False

    def take(self, name: str, data: object) -> None:
        """Collect one step of the table."""
        if name in _ENDS:
            return
        if name == "TableCell":
            self.rows[-1].append([])
        elif name in _ROW:
            self.rows.append([])
        else:
            self.rows[-1][-1].append((name, data))
            self.has_links = self.has_links or name in _LINKS


class RenderState(ABC):
    """The open elements of a document and the page it is written on."""

    def __init__(self, literals: Literals) -> None:
        self.page = Page()
        self.restore = literals.restore
        self.lists: list[List] = []
        self.links: list[Link] = []
        self.indents: list[str] = []  # of the page, around each blockquote
        self.code: list[str] | None = None
        self.language = ""
        self.table: Table | None = None

    @abstractmethod
    def take(self, name: str, data: object) -> None:
        """Render one step of the document."""


Action = Callable[[RenderState, Any], None]  # renders a step; its name determines the type of the data
