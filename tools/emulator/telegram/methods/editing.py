"""Editing the bot's own messages."""

from __future__ import annotations

from tools.emulator.telegram.call import Call, method
from tools.emulator.telegram.errors import bad_request
from tools.emulator.telegram.methods.content import CAPTION, caption_content, markup_content, text_content
from tools.emulator.telegram.model import Json, Room, Stored

NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a "
    "current content and reply markup of the message"
)


@method(
    "editMessageText",
    "chat_id", "message_id", "inline_message_id", "text", "parse_mode", "entities", "link_preview_options",
    "reply_markup",
)  # fmt: skip
def edit_message_text(call: Call) -> Json | bool:
    """Replace the text; a markup that is not given again disappears."""
    room, stored = own_message(call)
    if "text" not in stored.data:
        raise bad_request("there is no text in the message to edit")
    blank = {"entities": None, "link_preview_options": None, "reply_markup": None}
    changed = change(call, room, stored, blank | text_content(call) | inline_markup(call))
    return changed if stored.bot else True


@method("editMessageCaption", "chat_id", "message_id", "show_caption_above_media", "reply_markup", *CAPTION)
def edit_message_caption(call: Call) -> Json:
    """Replace the caption of a photo or document."""
    room, stored = own_message(call)
    if "text" in stored.data:
        raise bad_request("there is no caption in the message to edit")
    above = True if call.boolean("show_caption_above_media") else None
    blank = {"caption": None, "caption_entities": None, "reply_markup": None}
    content = blank | {"show_caption_above_media": above} | caption_content(call)
    return change(call, room, stored, content | inline_markup(call))


@method("editMessageReplyMarkup", "chat_id", "message_id", "reply_markup")
def edit_message_reply_markup(call: Call) -> Json:
    """Replace or remove the buttons."""
    room, stored = own_message(call)
    return change(call, room, stored, {"reply_markup": None} | inline_markup(call))


def own_message(call: Call) -> tuple[Room, Stored]:
    """Return the message to edit; raises when it is missing or not this bot's."""
    inline = call.text("inline_message_id") if call.takes("inline_message_id") else ""
    if inline and not call.raw("chat_id") and not call.raw("message_id"):
        # As in the Bot API's server, a chat_id makes it look for a message of that chat.
        sent = call.services.inline.messages.get(inline)
        if sent is None or sent.bot != call.bot.name:
            raise bad_request("MESSAGE_ID_INVALID")
        return sent.room, sent.stored
    room = call.room()
    stored = call.message(room, "message to edit not found")
    if stored.bot != call.bot.name:
        raise bad_request("message can't be edited")
    return room, stored


def inline_markup(call: Call) -> Json:
    """Return {"reply_markup"?} of an edit, which takes no reply keyboard."""
    content = markup_content(call)
    if content and "inline_keyboard" not in content["reply_markup"]:
        raise bad_request("inline keyboard expected")
    return content


def change(call: Call, room: Room, stored: Stored, content: Json) -> Json:
    """Edit the message; raises when nothing would change."""
    if all(stored.data.get(name) == value for name, value in content.items()):
        raise bad_request(NOT_MODIFIED)
    call.state.change(room, stored, content)
    return stored.data
