"""The handlers of conversations."""

from __future__ import annotations

from shared.features.conversations import (
    chats,
    export,
    instructions,
    memory,
    models,
    project_files,
    sharing,
)
from shared.telegram.router import Router

router = Router(
    chats.router,
    models.router,
    instructions.router,
    memory.router,
    project_files.router,
    export.router,
    sharing.router,
)
