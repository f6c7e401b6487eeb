"""Sending text, places and contacts, copies and forwards; deleting and pinning."""

from __future__ import annotations

from typing import Any

from tools.emulator.telegram.call import Call, method
from tools.emulator.telegram.errors import bad_request
from tools.emulator.telegram.methods.content import (
    CAPTION,
    POST,
    caption_content,
    markup_content,
    options_content,
    reply_content,
    text_content,
    topic_of,
)
from tools.emulator.telegram.model import Json, Room, Stored

MAX_MESSAGES = 100
BODIES = (
    "text",
    "entities",
    "link_preview_options",
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
    "venue",
    "contact",
)
COPY = ("chat_id", "from_chat_id", "message_thread_id", "disable_notification", "protect_content")


@method("sendMessage", "chat_id", "text", "parse_mode", "entities", "link_preview_options", *POST)
def send_message(call: Call) -> Json:
    """Return a text message."""
    room = call.room()
    return post(call, room, text_content(call))


@method("sendLocation", "chat_id", "latitude", "longitude", "horizontal_accuracy", *POST)
def send_location(call: Call) -> Json:
    """Send a place."""
    room = call.room()
    accuracy = call.decimal("horizontal_accuracy")
    return post(
        call, room, {"location": _place(call) | ({"horizontal_accuracy": accuracy} if accuracy else {})}
    )


@method("sendVenue", "chat_id", "latitude", "longitude", "title", "address", *POST)
def send_venue(call: Call) -> Json:
    """Send a place with a name."""
    room = call.room()
    place = _place(call)
    venue = {"location": place, "title": call.required("title"), "address": call.required("address")}
    return post(call, room, {"location": place, "venue": venue})


@method("sendContact", "chat_id", "phone_number", "first_name", "last_name", "vcard", *POST)
def send_contact(call: Call) -> Json:
    """Send a phone number with a name."""
    room = call.room()
    card = {name: call.required(name) for name in ("phone_number", "first_name")}
    card |= {name: call.text(name) for name in ("last_name", "vcard")}
    return post(call, room, {"contact": {name: value for name, value in card.items() if value}})


@method("copyMessage", "message_id", *dict.fromkeys((*COPY, *CAPTION, *POST)))
def copy_message(call: Call) -> Json:
    """Copy a message without its author; a given caption replaces the old one."""
    room, source = call.room(), call.message(_source(call), "message to copy not found")
    content = _body(source)
    if call.raw("caption") is not None:
        content = {name: value for name, value in content.items() if not name.startswith("caption")}
        content |= caption_content(call)
    return {"message_id": post(call, room, content)["message_id"]}


@method("copyMessages", "message_ids", "remove_caption", *COPY)
def copy_messages(call: Call) -> list[Json]:
    """Copy several messages without their authors; missing ones are skipped."""
    room, bare = call.room(), call.boolean("remove_caption")
    copies = []
    for source in _messages(call, _source(call)):
        content = _body(source)
        kept = {name: value for name, value in content.items() if not (bare and name.startswith("caption"))}
        copies.append({"message_id": post(call, room, kept)["message_id"]})
    return copies


@method("forwardMessage", "message_id", "message_effect_id", *COPY)
def forward_message(call: Call) -> Json:
    """Forward a message with its author's name."""
    room, source = call.room(), call.message(_source(call), "message to forward not found")
    return post(call, room, _body(source) | _origin(source))


@method("forwardMessages", "message_ids", *COPY)
def forward_messages(call: Call) -> list[Json]:
    """Forward several messages with their authors' names; missing ones are skipped."""
    room = call.room()
    return [
        {"message_id": post(call, room, _body(source) | _origin(source))["message_id"]}
        for source in _messages(call, _source(call))
    ]


@method("deleteMessage", "chat_id", "message_id", note="There is no limit of 48 hours.")
def delete_message(call: Call) -> bool:
    """Delete one message."""
    room = call.room()
    if call.raw("message_id") in (None, ""):
        raise bad_request("message identifier is not specified")
    stored = call.message(room, "message to delete not found")
    if (
        room.kind not in ("private", "channel")
        and stored.bot != call.bot.name
        and call.bot.name not in room.admins
    ):
        raise bad_request("message can't be deleted")
    call.state.delete(room, stored, call.bot.json())
    return True


@method("deleteMessages", "chat_id", "message_ids", note="There is no limit of 48 hours.")
def delete_messages(call: Call) -> bool:
    """Delete up to 100 messages; missing ones are skipped."""
    room = call.room()
    for stored in _messages(call, room):
        call.state.delete(room, stored, call.bot.json())
    return True


@method("pinChatMessage", "chat_id", "message_id", "disable_notification")
def pin_chat_message(call: Call) -> bool:
    """Pin a message, with a service message unless it is done silently."""
    room = call.room()
    stored = call.message(room, "message to pin not found")
    if room.kind == "supergroup" and call.bot.name not in room.admins:
        raise bad_request("not enough rights to manage pinned messages in the chat")
    is_silent = call.boolean("disable_notification")
    room.pinned = [one for one in room.pinned if one != stored.message_id] + [stored.message_id]
    if not is_silent:
        call.sender.service(room, call.bot.json(), {"pinned_message": stored.data}, call.bot.name)
    return True


@method("unpinChatMessage", "chat_id", "message_id")
def unpin_chat_message(call: Call) -> bool:
    """Unpin a message: the newest pinned one unless a number is given."""
    room = call.room()
    number = call.integer("message_id") or (room.pinned[-1] if room.pinned else 0)
    if number not in room.pinned:
        raise bad_request("message to unpin not found")
    room.pinned.remove(number)
    return True


@method("unpinAllChatMessages", "chat_id")
def unpin_all_chat_messages(call: Call) -> bool:
    """Unpin every message."""
    call.room().pinned.clear()
    return True


def post(call: Call, room: Room, content: Json) -> Json:
    """Put the bot's message into the room with its markup and reply, and return it."""
    around = topic_of(call, room) | reply_content(call, room) | options_content(call) | markup_content(call)
    stored = call.state.post(room, call.bot.json(), content | around, call.bot.name)
    call.state.action_over(call.bot, room)
    return _returned(stored.data)


def _returned(data: Json) -> Json:
    """Return a message as the API does: with an inline keyboard, but without a reply keyboard."""
    markup = data.get("reply_markup")
    if markup is not None and "inline_keyboard" not in markup:
        return {name: value for name, value in data.items() if name != "reply_markup"}
    return data


def _source(call: Call) -> Room:
    return call.room(name="from_chat_id")


def _body(source: Stored) -> Json:
    return {name: source.data[name] for name in BODIES if name in source.data}


def _origin(source: Stored) -> Json:
    if "forward_origin" in source.data:
        return {"forward_origin": source.data["forward_origin"]}
    data = source.data
    return {"forward_origin": {"type": "user", "sender_user": data["from"], "date": data["date"]}}


def _messages(call: Call, room: Room) -> list[Stored]:
    wanted: Any = call.json("message_ids") or []
    if not wanted:
        raise bad_request("message identifiers are not specified")
    if not isinstance(wanted, list):
        raise bad_request("expected an Array of message identifiers")
    if len(wanted) > MAX_MESSAGES:
        raise bad_request("too many message identifiers specified")
    numbers = [_message_number(one) for one in wanted]
    return [room.messages[one] for one in numbers if one in room.messages]


def _message_number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise bad_request("message identifier must be a Number")
    try:
        number = int(value)
    except ValueError:
        raise bad_request("can't parse message identifier as Number") from None
    if number <= 0:
        raise bad_request("invalid message identifier specified")
    return number


def _place(call: Call) -> Json:
    latitude, longitude = call.decimal("latitude"), call.decimal("longitude")
    if latitude is None or longitude is None:
        raise bad_request("latitude is empty" if latitude is None else "longitude is empty")
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise bad_request("invalid location specified")
    return {"latitude": latitude, "longitude": longitude}
