"""Queries about bots, chats, members and files."""

from __future__ import annotations

from tools.emulator.telegram.call import Call, method
from tools.emulator.telegram.errors import bad_request
from tools.emulator.telegram.model import Json, Room
from tools.emulator.telegram.sending import member_json

MAX_DOWNLOAD = 20 * 1024 * 1024
LINK_SECONDS = 3_600  # Telegram guarantees an hour


def invite_link(room: Room) -> str:
    """Return the address that lets users into a channel."""
    return f"https://t.me/{room.username}" if room.username else f"https://t.me/+{-room.id:x}"


@method("getMe")
def get_me(call: Call) -> Json:
    """Return the bot itself."""
    wants_inline = "inline_query" in call.bot.webhook.allowed_updates
    abilities = {
        "can_join_groups": True,
        "can_read_all_group_messages": not call.bot.privacy,
        "supports_inline_queries": wants_inline
        if call.bot.has_inline_mode is None
        else call.bot.has_inline_mode,
        "can_connect_to_business": False,
        "has_main_web_app": False,
        "has_topics_enabled": call.bot.has_topics,
        "allows_users_to_create_topics": call.bot.has_topics,
        "can_manage_bots": False,
    }
    return call.bot.json() | abilities


@method(
    "getChat",
    "chat_id",
    note="The name, the kind and the link; no photo, permissions, description or pinned message.",
)
def get_chat(call: Call) -> Json:
    """Return the chat in full."""
    room = call.room(look=True)
    chat = call.state.chat_json(room) | {"accent_color_id": 0, "max_reaction_count": 11}
    if room.kind == "channel" and call.bot.name in room.bots:
        chat["invite_link"] = invite_link(room)
    return chat


CREATOR: Json = {"status": "creator", "is_anonymous": False}


@method("getChatMember", "chat_id", "user_id")
def get_chat_member(call: Call) -> Json:
    """Return the membership of a user or bot in a chat."""
    room, user_id = call.room(look=True), call.integer("user_id")
    state = call.state
    if room.kind == "channel" and call.bot.name not in room.bots:
        raise bad_request("member list is inaccessible")
    bot = next((state.bots[name] for name in room.bots if state.bots[name].id == user_id), None)
    if bot is not None:
        is_admin = room.kind == "channel" or bot.name in room.admins
        return member_json(bot, "administrator" if is_admin else "member")
    if user_id not in state.users:
        raise bad_request("invalid user_id specified")
    member = user_id in room.members
    owner = member and room.members[0] == user_id and room.kind == "supergroup"
    banned = {"status": "kicked", "until_date": 0} if user_id in room.banned else {"status": "left"}
    standing = (CREATOR if owner else {"status": "member"}) if member else banned
    return {"user": state.users[user_id].json(), **standing}


@method("getChatAdministrators", "chat_id", "return_bots")
def get_chat_administrators(call: Call) -> list[Json]:
    """Return the owner and administrator bots of a group; bots besides the caller only with return_bots."""
    room, state = call.room(look=True), call.state
    if room.kind == "private":
        raise bad_request("there are no administrators in the private chat")
    names = room.bots if room.kind == "channel" else room.admins
    with_others = call.boolean("return_bots")
    shown = [name for name in names if with_others or name == call.bot.name]
    bots = [member_json(state.bots[name], "administrator") for name in shown]
    owners = room.members[:1] if room.kind != "channel" else []
    return [*({"user": state.users[one].json(), **CREATOR} for one in owners), *bots]


@method("getUserProfilePhotos", "user_id", "offset", "limit", note="A user has one photo at most.")
def get_user_profile_photos(call: Call) -> Json:
    """Return the sizes of the photo."""
    user_id, offset, _ = call.integer("user_id"), call.integer("offset") or 0, call.integer("limit")
    if user_id not in call.state.users:
        raise bad_request("user not found")
    photos = [photo] if (photo := call.state.users[user_id].photo) else []
    return {"total_count": len(photos), "photos": photos[offset:]}


@method("getChatMemberCount", "chat_id")
def get_chat_member_count(call: Call) -> int:
    """Return the number of users and bots."""
    room = call.room()
    return len(room.members) + len(room.bots)


@method("leaveChat", "chat_id")
def leave_chat(call: Call) -> bool:
    """Leave a group."""
    room = call.room()
    if room.kind == "private":
        raise bad_request("chat not found")
    room.bots.remove(call.bot.name)
    room.left[call.bot.name] = "left"
    return True


@method("getFile", "file_id")
def get_file(call: Call) -> Json:
    """Return where to download a file of at most 20 MB; the link is valid for an hour."""
    file = call.state.files.by_id(call.text("file_id"))
    if file is None or file.content is None:
        raise bad_request("wrong file_id or the file is temporarily unavailable")
    if len(file.content) > MAX_DOWNLOAD:
        raise bad_request("file is too big")
    call.state.files.open_link(file.path, call.state.clock.now() + LINK_SECONDS)
    return file.json(file_path=file.path)
