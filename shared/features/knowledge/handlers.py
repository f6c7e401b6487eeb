"""The knowledge base answers through the AI and on its pages; it takes no updates of its own."""

from __future__ import annotations

from shared.telegram.router import Router

router = Router()
