"""A message of a broadcast for one user: text in the user's language, the name, media and buttons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from shared.core import texts
from shared.core.texts import Text, utf16_length
from shared.features.broadcasts import links
from shared.features.broadcasts.rendering_names import NAME
from shared.telegram import markdown

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject

MAX_NAME = 64  # characters of a first name
METHODS = {"": "sendMessage", "photo": "sendPhoto", "video": "sendVideo", "document": "sendDocument"}
_PLACE = "\ue000"  # stands for the name while a text is rendered, so that a name is never markup
STOP = "unsubscribe"  # callback data of the button below marketing messages


def rendered(source: str, name: str) -> Text:
    """Return a text with the user's first name."""
    return _fill(_read(source), name[:MAX_NAME])


@lru_cache(maxsize=64)
def _read(source: str) -> Text:
    return markdown.render(source.replace(_PLACE, "").replace(NAME, _PLACE))


def _fill(text: Text, name: str) -> Text:
    """Put a name into a rendered text, and move the entities behind it."""
    if _PLACE not in text.text:
        return text
    parts = text.text.split(_PLACE)
    places, offset = [], 0
    for part in parts[:-1]:
        offset += utf16_length(part)
        places.append(offset)
        offset += 1
    added = utf16_length(name) - 1
    entities = []
    for entity in text.entities:
        start, end = entity["offset"], entity["offset"] + entity["length"]
        before = sum(place < start for place in places)
        inside = sum(start <= place < end for place in places)
        moved = {**entity, "offset": start + before * added, "length": entity["length"] + inside * added}
        if moved["length"] > 0:
            entities.append(moved)
    return Text(name.join(parts), entities)


def language_of(content: Mapping[str, JsonObject], preferences: Sequence[str | None]) -> str:
    """Return the language of a message for a user: of those that it is written in."""
    written = content.get("texts") or {}
    chosen = texts.choose(*preferences)
    return chosen if not written or chosen in written else next(iter(sorted(written)))


def parameters(
    content: JsonObject,
    kind: str,
    media: str,
    user: JsonObject,
    *,
    click: links.Click,
    file_id: str | None,
) -> JsonObject:
    """Return the parameters of the Bot API call, without a file that has to be uploaded.

    Args:
        content: of the broadcast, see the column `broadcasts.content`.
        kind: marketing or service.
        media: photo, video, document, or empty.
        user: {chat_id, name, languages}.
        click: the message and the user, for links that count.
        file_id: of the media.
    """
    language = language_of(content, user["languages"])
    written = (content.get("texts") or {}).get(language, "")
    text = rendered(written, user["name"]) if written else Text("", [])
    key, entities = ("caption", "caption_entities") if media else ("text", "entities")
    message: JsonObject = {"chat_id": user["chat_id"]}
    if text.text:
        message |= {key: text.text, entities: text.entities}
    if media and file_id:
        message[media] = file_id
    if rows := _keyboard(content, kind, language, click):
        message["reply_markup"] = {"inline_keyboard": rows}
    return message


def _keyboard(content: JsonObject, kind: str, language: str, click: links.Click) -> list[list[JsonObject]]:
    rows = []
    for number, button in enumerate(content.get("buttons") or []):
        label = texts.pick(language, button["texts"])
        its = click._replace(button=number)
        if "url" in button:
            rows.append([{"text": label, "url": links.address(its, button["url"])}])
        else:
            rows.append([{"text": label, "callback_data": f"broadcast:{its.broadcast_id}:{number}"}])
    if kind == "marketing":
        rows.append([{"text": texts.text(language, "broadcast_stop_button"), "callback_data": STOP}])
    return rows
