"""Describes an update as the message that a conversation of the messenger shows."""

from __future__ import annotations

from shared.core.config import settings
from shared.core.json_types import JsonObject
from shared.core.log import redact_secrets
from shared.telegram.update import Update, is_id

LONGEST_BODY = 16_000  # characters; Telegram's own texts have 4,096
_LONGEST_NAME = 255
_KINDS = ("message", "edited_message")
# The types of content, the first that a message has. An animation has a document, too.
_FILES = ("animation", "video", "video_note", "voice", "audio", "document", "sticker", "photo")
_NUMBERS = {"file_size": "size", "width": "width", "height": "height", "duration": "duration"}
_NAMES = {"file_name": "name", "mime_type": "mime", "title": "title", "performer": "performer"}
_OTHER = ("live_photo", "paid_media", "story", "dice", "game", "checklist", "rich_message")


def has_messenger(bot: str) -> bool:
    """Return whether conversations with a bot are kept for people of the team."""
    bots = settings().messenger_bots
    return bool(bots) and settings().database_enabled and ("*" in bots or bot in bots)


def is_edited_caption(update: Update) -> bool:
    """Return whether an update edits a caption: no handler takes it, but the conversation shows it."""
    return (
        update.kind == "edited_message"
        and update.is_private
        and update.user is not None
        and bool(update.content.get("caption"))
        and has_messenger(update.bot)
    )


def describe(update: Update) -> JsonObject | None:
    """Return the message for `receive_update`; None for what no conversation shows, such as groups."""
    if not update.is_private:
        return None
    if update.kind == "callback_query":
        return {"kind": "event", "body": _button_label(update)}
    if update.kind not in _KINDS or update.is_payment_update:
        return None
    return describe_message(update.content, is_edit=update.kind == "edited_message")


def describe_message(message: JsonObject, *, is_edit: bool = False) -> JsonObject | None:
    """Return a message of the Bot API as conversations show it; None for service messages."""
    kind, media, body = _content(message)
    if not kind:
        return None
    words = body or message.get("text") or message.get("caption") or ""
    described: JsonObject = {
        "kind": kind,
        "body": redact_secrets(str(words))[:LONGEST_BODY],
        "message_id": message["message_id"],
    }
    if "forward_origin" in message:
        media = {**media, "is_forwarded": True}
    if media:
        described["media"] = media
    original = message.get("reply_to_message")
    if isinstance(original, dict) and is_id(original.get("message_id")):
        described["reply_to"] = original["message_id"]
    if is_edit:
        described["is_edit"] = True
    return described


def describe_sent(message: JsonObject) -> JsonObject:
    """Return a message that was sent before the commit, from Telegram's answer."""
    described = describe_message(message) or {"kind": "other", "body": ""}
    described["message_id"] = message["message_id"]
    return {key: value for key, value in described.items() if key != "reply_to"}


def file_of(kind: str, message: JsonObject) -> JsonObject:
    """Return the file of a message: its ids, size, name and type; empty where it has none."""
    found = message.get(kind)
    if kind == "photo" and isinstance(found, list):
        found = found[-1] if found else None  # the largest size comes last
    if not isinstance(found, dict) or not isinstance(found.get("file_id"), str):
        return {}
    media: JsonObject = {"file_id": found["file_id"]}
    if isinstance(found.get("file_unique_id"), str):
        media["unique_id"] = found["file_unique_id"]
    for field, name in _NUMBERS.items():
        if type(found.get(field)) is int:
            media[name] = found[field]
    for field, name in _NAMES.items():
        if isinstance(found.get(field), str):
            media[name] = redact_secrets(found[field])[:_LONGEST_NAME]
    if isinstance(message.get("media_group_id"), str):
        media["album"] = message["media_group_id"]
    return media


def _content(message: JsonObject) -> tuple[str, JsonObject, str]:
    """Return the kind, what belongs to it, and words that stand for a text; no kind for service messages."""
    if "text" in message:
        return "text", {}, ""
    for kind in _FILES:
        if kind in message:
            words = _get(message, "sticker").get("emoji") if kind == "sticker" else ""
            return kind, file_of(kind, message), str(words or "")
    return _without_file(message)


def _without_file(message: JsonObject) -> tuple[str, JsonObject, str]:
    if place := _get(message, "location"):
        numbers = {key: place.get(key) for key in ("latitude", "longitude")}
        media = {key: value for key, value in numbers.items() if isinstance(value, int | float)}
        return "location", media, str(_get(message, "venue").get("title") or "")
    if contact := _get(message, "contact"):
        name = f"{contact.get('first_name') or ''} {contact.get('last_name') or ''}"
        return "contact", {"phone": str(contact.get("phone_number") or "")[:32]}, name.strip()
    if poll := _get(message, "poll"):
        return "poll", {}, str(poll.get("question") or "")
    return ("other", {}, "") if any(kind in message for kind in _OTHER) else ("", {}, "")


def _get(message: JsonObject, field: str) -> JsonObject:
    value = message.get(field)
    return value if isinstance(value, dict) else {}


def _button_label(update: Update) -> str:
    """Return the label of the tapped button; empty where the message no longer has it."""
    data, markup = update.content.get("data"), update.message.get("reply_markup")
    rows = markup.get("inline_keyboard") if isinstance(markup, dict) else None
    for row in rows if isinstance(rows, list) else ():
        for button in row if isinstance(row, list) else ():
            if isinstance(button, dict) and button.get("callback_data") == data:
                return redact_secrets(str(button.get("text") or ""))[:64]
    return ""
