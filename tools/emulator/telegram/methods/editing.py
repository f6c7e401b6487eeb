"""Editing the bot's own messages."""

from __future__ import annotations

from tools.emulator.telegram.call import Call, method
from tools.emulator.telegram.errors import bad_request
from tools.emulator.telegram.methods.content import caption_content, markup_content, text_content
from tools.emulator.telegram.model import Json, Room, Stored

NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a "
    "current content and reply markup of the message"
)


@method("editMessageText")
def edit_message_text(call: Call) -> Json:
    """New text; a markup that is not given again disappears."""
    room, stored = _own_message(call)
    if "text" not in stored.data:
        raise bad_request("there is no text in the message to edit")
    return _change(
        call, room, stored, {"entities": None, "reply_markup": None} | text_content(call) | _inline(call)
    )


@method("editMessageCaption")
def edit_message_caption(call: Call) -> Json:
    """New caption under a photo or document."""
    room, stored = _own_message(call)
    if "text" in stored.data:
        raise bad_request("there is no caption in the message to edit")
    blank = {"caption": None, "caption_entities": None, "reply_markup": None}
    return _change(call, room, stored, blank | caption_content(call) | _inline(call))


@method("editMessageReplyMarkup")
def edit_message_reply_markup(call: Call) -> Json:
    """New buttons, or none."""
    room, stored = _own_message(call)
    return _change(call, room, stored, {"reply_markup": None} | _inline(call))


def _own_message(call: Call) -> tuple[Room, Stored]:
    room = call.room()
    stored = call.message(room, "message to edit not found")
    if stored.bot != call.bot.name:
        raise bad_request("message can't be edited")
    return room, stored


def _inline(call: Call) -> Json:
    content = markup_content(call)
    if content and "inline_keyboard" not in content["reply_markup"]:
        raise bad_request("inline keyboard expected")
    return content


def _change(call: Call, room: Room, stored: Stored, content: Json) -> Json:
    if all(stored.data.get(name) == value for name, value in content.items()):
        raise bad_request(NOT_MODIFIED)
    call.telegram.world.change(room, stored, content)
    return stored.data
