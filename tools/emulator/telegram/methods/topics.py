"""Topics of forums and of private chats."""

from __future__ import annotations

from tools.emulator.telegram.call import Call, method
from tools.emulator.telegram.errors import bad_request
from tools.emulator.telegram.model import Json, Room, Topic
from tools.emulator.telegram.sending import topic_content

COLORS = (0x6FB9F0, 0xFFD67E, 0xCB86DB, 0x8EEE98, 0xFF93B2, 0xFB6F5F)
MAX_NAME = 128


@method("createForumTopic", "chat_id", "name", "icon_color")
def create_forum_topic(call: Call) -> Json:
    """Make a topic."""
    room = _room(call)
    name = _name(call)
    color = call.integer("icon_color", COLORS[0]) or COLORS[0]
    if color not in COLORS:
        raise bad_request("TOPIC_ICON_COLOR_INVALID")
    topic = call.sender.topic(room, call.bot.json(), name, color, call.bot.name)
    return {"message_thread_id": topic.id, "name": topic.name, "icon_color": topic.icon_color}


@method("editForumTopic", "chat_id", "message_thread_id", "name")
def edit_forum_topic(call: Call) -> bool:
    """Rename a topic."""
    room, topic = _topic(call)
    if not call.text("name"):
        return True
    name = _name(call)
    if name == topic.name:
        raise bad_request("TOPIC_NOT_MODIFIED")
    topic.name = name
    call.state.show_topic(room, topic)
    _service(call, room, topic, {"forum_topic_edited": {"name": name}})
    return True


@method("closeForumTopic", "chat_id", "message_thread_id")
def close_forum_topic(call: Call) -> bool:
    """Close a topic: only administrators write in it from then on."""
    return _set_closed(call, closed=True)


@method("reopenForumTopic", "chat_id", "message_thread_id")
def reopen_forum_topic(call: Call) -> bool:
    """Open a closed topic again."""
    return _set_closed(call, closed=False)


@method("deleteForumTopic", "chat_id", "message_thread_id")
def delete_forum_topic(call: Call) -> bool:
    """Delete a topic with its messages."""
    room, topic = _topic(call)
    call.state.drop_topic(room, topic)
    for stored in list(room.messages.values()):
        if stored.data.get("message_thread_id") == topic.id:
            call.state.delete(room, stored, call.bot.json())
    return True


def _set_closed(call: Call, *, closed: bool) -> bool:
    room, topic = _topic(call)
    if topic.closed == closed:
        raise bad_request("TOPIC_NOT_MODIFIED")
    topic.closed = closed
    call.state.show_topic(room, topic)
    _service(call, room, topic, {"forum_topic_closed" if closed else "forum_topic_reopened": {}})
    return True


def _room(call: Call) -> Room:
    """Return the forum or private chat with topics; in a forum the bot must be an administrator."""
    room = call.room()
    if room.kind != "private" and not room.forum:
        raise bad_request("the chat is not a forum")
    if room.kind == "private" and not call.bot.has_topics:
        raise bad_request("the chat is not a forum")
    if room.kind != "private" and call.bot.name not in room.admins:
        raise bad_request("not enough rights to create a topic")
    return room


def _topic(call: Call) -> tuple[Room, Topic]:
    room = _room(call)
    topic = room.topics.get(call.integer("message_thread_id") or 0)
    if topic is None:
        raise bad_request("TOPIC_ID_INVALID")
    return room, topic


def _name(call: Call) -> str:
    name = call.text("name").strip()
    if not name:
        raise bad_request("topic name must be non-empty")
    return name[:MAX_NAME]


def _service(call: Call, room: Room, topic: Topic, content: Json) -> None:
    content = content | topic_content(room, topic.id)
    call.sender.service(room, call.bot.json(), content, call.bot.name)
