"""From one to the other: the steps of a document, each written on the page by what is in charge of it."""

from __future__ import annotations

from typing import Any

from shared.telegram.markdown import blocks, links, lists, tables, text
from shared.telegram.markdown.links import Link
from shared.telegram.markdown.lists import List
from shared.telegram.markdown.literals import Literals
from shared.telegram.markdown.output import Page
from shared.telegram.markdown.tables import Table

# What is not in here, such as the row of a table that is being collected, writes nothing.
_ACTIONS = text.ACTIONS | blocks.ACTIONS | lists.ACTIONS | links.ACTIONS | tables.ACTIONS


class Renderer:
    """Takes the steps of a document, and holds what is open around the current one."""

    def __init__(self, literals: Literals) -> None:
        self.page = Page()
        self.restored = literals.restored
        self.lists: list[List] = []
        self.links: list[Link] = []
        self.indents: list[str] = []  # of the page, around each quote
        self.code: list[str] | None = None
        self.language = ""
        self.table: Table | None = None

    def take(self, name: str, data: Any) -> None:
        """Write one step of the document; those of a table are collected until it ends."""
        if self.table is not None and name != "/Table":
            self.table.take(name, data)
        elif action := _ACTIONS.get(name):
            action(self, data)
