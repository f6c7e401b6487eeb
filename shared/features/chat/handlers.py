"""The handlers of the conversation with the AI."""

from __future__ import annotations

from shared.features.chat import answers, channel, conversation, drafts, media, mode, regenerating
from shared.telegram.router import Router

router = Router(
    mode.router,
    conversation.router,
    answers.router,
    channel.router,
    media.router,
    drafts.router,
    regenerating.router,
)
