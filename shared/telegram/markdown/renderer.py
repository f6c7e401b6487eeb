"""Dispatches the steps of a document to the functions that render them."""

from __future__ import annotations

from shared.telegram.markdown import blocks, links, lists, tables, text
from shared.telegram.markdown.state import RenderState

# Steps without an action write nothing.
_ACTIONS = text.ACTIONS | blocks.ACTIONS | lists.ACTIONS | links.ACTIONS | tables.ACTIONS


class Renderer(RenderState):
    """Renders a document step by step."""

    def take(self, name: str, data: object) -> None:
        """Render one step of the document; the steps of a table are collected until it ends."""
        if self.table is not None and name != "/Table":
            self.table.take(name, data)
        elif action := _ACTIONS.get(name):
            action(self, data)
