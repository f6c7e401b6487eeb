"""Text, captions, replies and markup as several methods accept them."""

from __future__ import annotations

from tools.emulator.telegram.call import Call
from tools.emulator.telegram.errors import bad_request
from tools.emulator.telegram.html import parse_html
from tools.emulator.telegram.markdown import parse_markdown
from tools.emulator.telegram.markup import check_markup
from tools.emulator.telegram.model import Json, Room
from tools.emulator.telegram.sending import quote_content, topic_content
from tools.emulator.telegram.text import MAX_CAPTION, MAX_TEXT, Entity, check_entities, merge, trim, units

CAPTION = ("caption", "parse_mode", "caption_entities")
# What the sending methods share, with the two names from before Bot API 7.0.
POST = (
    "message_thread_id", "reply_parameters", "reply_markup", "disable_notification", "protect_content",
    "message_effect_id", "reply_to_message_id", "allow_sending_without_reply",
)  # fmt: skip


def text_content(call: Call) -> Json:
    """Return {"text", "entities"?} of a text message; raises the API's errors."""
    text, entities = formatted(call, "text", "parse_mode", "entities")
    if not text:
        raise bad_request("message text is empty")
    if units(text) > MAX_TEXT:
        raise bad_request("message is too long")
    preview = call.json("link_preview_options", "link preview options")
    content: Json = {"text": text} | ({"link_preview_options": preview} if preview else {})
    return content | ({"entities": entities} if entities else {})


def caption_content(call: Call) -> Json:
    """Return {"caption"?, "caption_entities"?} of a media message; raises the API's errors."""
    text, entities = formatted(call, "caption", "parse_mode", "caption_entities")
    if units(text) > MAX_CAPTION:
        raise bad_request("message caption is too long")
    content: Json = {"caption": text} if text else {}
    return content | ({"caption_entities": entities} if entities else {})


def formatted(call: Call, text_name: str, mode_name: str, entities_name: str) -> tuple[str, list[Entity]]:
    """Return plain text with the given, parsed and automatic entities."""
    source = call.text(text_name)
    mode = call.text(mode_name).lower()
    given = call.json(entities_name, "entities") or []
    if mode == "html":
        text, given = parse_html(source)
    elif mode == "markdownv2":
        text, given = parse_markdown(source)
    elif mode and mode != "none":
        raise bad_request("unsupported parse_mode")
    else:
        text = source
        if not isinstance(given, list) or not all(isinstance(entity, dict) for entity in given):
            raise bad_request("can't parse entities JSON object")
        check_entities(text, given)
    text, given = trim(text, given)
    return text, merge(given, text)


def markup_content(call: Call) -> Json:
    """Return {"reply_markup"?} of a message."""
    if not call.takes("reply_markup"):
        return {}
    markup = check_markup(call.json("reply_markup", "reply keyboard markup"))
    return {"reply_markup": markup} if markup else {}


def options_content(call: Call) -> Json:
    """Return the fields of a protected message and of an effect; a silent message has none."""
    if call.takes("disable_notification"):
        call.boolean("disable_notification")
    protected = call.takes("protect_content") and call.boolean("protect_content")
    effect = call.text("message_effect_id") if call.takes("message_effect_id") else ""
    content: Json = {"has_protected_content": True} if protected else {}
    return content | ({"effect_id": effect} if effect else {})


def topic_of(call: Call, room: Room) -> Json:
    """Return the fields of the topic of a message; raises when the topic is missing or closed."""
    thread = call.integer("message_thread_id")
    if not thread:
        return {}
    topic = room.topics.get(thread)
    if topic is None:
        raise bad_request("message thread not found")
    if topic.closed and call.bot.name not in room.admins:
        raise bad_request("TOPIC_CLOSED")
    return topic_content(room, thread)


def reply_content(call: Call, room: Room) -> Json:
    """Return {"reply_to_message"?}; raises "message to be replied not found" unless that is allowed."""
    if not call.takes("reply_parameters"):
        return {}
    reply = call.json("reply_parameters", "reply parameters") or {}
    is_optional = call.boolean("allow_sending_without_reply") or reply.get("allow_sending_without_reply")
    legacy = call.integer("reply_to_message_id")
    wanted = reply.get("message_id") or legacy
    if wanted is None:
        return {}
    stored = room.messages.get(int(wanted))
    if stored is None:
        if is_optional:
            return {}
        raise bad_request("message to be replied not found")
    kept = {name: value for name, value in stored.data.items() if name != "reply_to_message"}
    return {"reply_to_message": kept} | _quote(kept, reply)


def _quote(replied: Json, reply: Json) -> Json:
    quote = reply.get("quote")
    if not quote:
        return {}
    content = quote_content(replied, str(quote))
    if not content:
        raise bad_request("QUOTE_TEXT_INVALID")
    return content
