"""Offers to edit a picture whose caption asks for a change, below the answer of the chat."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING

from shared.features.common.media import catalog, making
from shared.features.common.media.kinds import IMAGE
from shared.telegram import reply

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.telegram.context import UpdateContext

_OFFER = "picture_edit"  # the key of the session's data
_ASKS_FOR_CHANGE = re.compile(
    r"\W{0,3}(?:(?:please|can you|could you|now|let.s|пожалуйста|можешь|можно|а теперь|теперь|давай),? )?"
    r"(?:make|change|remove|erase|replace|add|turn|recolou?r|paint|colou?r|crop|put|blur|brighten|darken|swap|"
    r"edit|retouch|restore|enhance|colou?rize|сделай|измени|поменяй|убери|удали|сотри|замени|добавь|перекрась|"
    r"покрась|раскрась|дорисуй|пририсуй|нарисуй|обрежь|размой|осветли|затемни|отредактируй|отретушируй|улучши|"
    r"восстанови|преврати|поставь|исправь|подправь)\b",
    re.IGNORECASE,
)


def offer(context: UpdateContext, file_ids: Iterable[str], words: str) -> None:
    """Offer to edit pictures, where their caption asks for a change and a model takes pictures."""
    if context.is_offline or not context.bot.has_command(IMAGE.name) or not _ASKS_FOR_CHANGE.match(words):
        return
    if not any(mode.max_references for mode in catalog.modes(IMAGE)):
        return
    token = sha256(context.reference.encode()).hexdigest()[:16]
    context.set_data(_OFFER, {"token": token, "files": [*file_ids], "words": words})
    button = (context.text("media_edit"), f"{IMAGE.prefix}edit:{token}")
    reply(context.rich("media_edit_offer"), [[button]])


def accept(context: UpdateContext, token: str) -> None:
    """Edit the pictures of an offer, by its button."""
    found = context.data.get(_OFFER)
    if not isinstance(found, dict) or found["token"] != token:
        return context.answer_callback(context.text("media_offer_over"), alert=True)
    context.set_data(_OFFER, None)
    return making.make(context, IMAGE, found["words"], [{"file_id": one} for one in found["files"]])
