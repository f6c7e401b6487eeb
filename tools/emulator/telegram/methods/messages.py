"""Sending text, copies and forwards; deleting."""

from __future__ import annotations

from typing import Any

from tools.emulator.telegram.call import Call, method
from tools.emulator.telegram.errors import bad_request
from tools.emulator.telegram.methods.content import markup_content, reply_content, text_content, topic_of
from tools.emulator.telegram.model import Json, Room

MAX_DELETED = 100
BODIES = (
    "text",
    "entities",
    "caption",
    "caption_entities",
    "photo",
    "animation",
    "document",
    "sticker",
    "voice",
    "audio",
    "video",
    "video_note",
    "location",
    "contact",
)


@method("sendMessage")
def send_message(call: Call) -> Json:
    """A text message."""
    room = call.room()
    return post(call, room, text_content(call))


@method("copyMessage")
def copy_message(call: Call) -> Json:
    """The content of a message, without its author."""
    source = _source(call)
    content = {name: source[name] for name in BODIES if name in source}
    return {"message_id": post(call, call.room(), content)["message_id"]}


@method("forwardMessage")
def forward_message(call: Call) -> Json:
    """A message with its author's name."""
    source = _source(call)
    content = {name: source[name] for name in BODIES if name in source}
    origin = {"type": "user", "sender_user": source["from"], "date": source["date"]}
    return post(call, call.room(), content | {"forward_origin": origin})


@method("deleteMessage")
def delete_message(call: Call) -> bool:
    """One message."""
    room = call.room()
    stored = call.message(room, "message to delete not found")
    call.telegram.world.delete(room, stored, call.bot.user())
    return True


@method("deleteMessages")
def delete_messages(call: Call) -> bool:
    """Up to 100 messages; the ones that are not there are skipped."""
    room = call.room()
    wanted = call.json("message_ids") or []
    if not isinstance(wanted, list) or not 1 <= len(wanted) <= MAX_DELETED:
        raise bad_request("message identifiers are not specified")
    for message_id in wanted:
        stored = room.messages.get(int(message_id))
        if stored is not None:
            call.telegram.world.delete(room, stored, call.bot.user())
    return True


def post(call: Call, room: Room, content: Json) -> Json:
    """Put the bot's message into the room with its markup and reply, and return it."""
    whole = content | topic_of(call, room) | reply_content(call, room) | markup_content(call)
    stored = call.telegram.world.post(room, call.bot.user(), whole, call.bot.name)
    call.telegram.action_over(call.bot, room)
    return _returned(stored.data)


def _returned(data: Json) -> Json:
    """The real API does not give reply keyboards back, only inline ones."""
    markup = data.get("reply_markup")
    if markup is not None and "inline_keyboard" not in markup:
        return {name: value for name, value in data.items() if name != "reply_markup"}
    return data


def _source(call: Call) -> Any:
    origin = Call(call.telegram, call.bot, call.parameters | {"chat_id": call.parameters.get("from_chat_id")})
    return call.message(origin.room(), "message to copy not found").data
