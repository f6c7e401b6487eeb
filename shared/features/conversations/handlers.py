"""The handlers of conversations."""

from __future__ import annotations

from shared.features.conversations import chats, instructions, memory, models
from shared.telegram.router import Router

router = Router(chats.router, models.router, instructions.router, memory.router)
