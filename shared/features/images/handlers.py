"""/image and /images, and the buttons under pictures."""

from __future__ import annotations

from telebot.types import CallbackQuery

from shared.features.common.media.handlers import router_of
from shared.features.common.media.kinds import IMAGE
from shared.telegram import current_context
from shared.telegram.router import Router

_edits = Router()


@_edits.callback_query_handler(data=rf"{IMAGE.prefix}edit:[0-9a-f]{{16}}")
def edit(call: CallbackQuery) -> None:
    """Edit the pictures that were sent to the chat, as their caption said."""
    from shared.features.common.media import edits

    edits.accept(current_context(), (call.data or "").rpartition(":")[2])


router = Router(router_of(IMAGE), _edits)
