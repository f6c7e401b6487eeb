"""Chat actions and message drafts, which are shown for a while and not stored."""

from __future__ import annotations

from tools.emulator.telegram.call import Call, method
from tools.emulator.telegram.errors import bad_request
from tools.emulator.telegram.methods.content import formatted, topic_of
from tools.emulator.telegram.text import MAX_TEXT, units

ACTION_SECONDS = 5.0
ACTIONS = frozenset(
    {
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    }
)


@method("sendChatAction", "chat_id", "action", "message_thread_id")
def send_chat_action(call: Call) -> bool:
    """Show "typing…" for five seconds or until the bot's next message."""
    room = call.room()
    topic_of(call, room)
    action = call.text("action")
    if action not in ACTIONS:
        raise bad_request("wrong parameter action in request")
    until = call.state.clock.now() + ACTION_SECONDS
    payload = {"chat_id": room.id, "bot": call.bot.name, "action": action, "until": until}
    call.state.publish("action", payload)
    return True


@method(
    "sendMessageDraft",
    "chat_id",
    "draft_id",
    "message_thread_id",
    "text",
    "parse_mode",
    "entities",
    "can_stop",
    "keep_on_stop",
)
def send_message_draft(call: Call) -> bool:
    """Show a partial answer in a private chat until the real message comes.

    After a stop, drafts of the same message have no button any more.
    """
    room = call.room()
    if room.kind != "private":
        raise bad_request("TEXTDRAFT_PEER_INVALID")
    topic_of(call, room)
    draft = call.integer("draft_id", 0)
    if not draft:
        raise bad_request("draft identifier must be non-zero")
    text, entities = formatted(call, "text", "parse_mode", "entities")
    if units(text) > MAX_TEXT:
        raise bad_request("message is too long")
    payload = {
        "chat_id": room.id,
        "bot": call.bot.name,
        "draft_id": draft,
        "text": text,
        "entities": entities,
        "can_stop": call.boolean("can_stop"),
        "keep_on_stop": call.boolean("keep_on_stop"),
    }
    with call.state.lock:
        if (room.draft or {}).get("draft_id") == draft and (room.draft or {}).get("is_stopped"):
            payload |= {"can_stop": False, "is_stopped": True}
        room.draft = payload | {"message_thread_id": call.integer("message_thread_id")}
        call.state.publish("draft", payload)
    return True
