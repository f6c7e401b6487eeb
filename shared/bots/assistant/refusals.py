"""What the bot cannot take today gets a friendly word, and a changed block state is noted."""

from __future__ import annotations

from telebot.types import ChatMemberUpdated, Message
from telebot.util import content_type_media

from shared.bots.assistant import bot
from shared.telegram import current_context, reply

_BY_CONTENT = {
    "photo": "cannot_photo",
    "live_photo": "cannot_photo",
    "voice": "cannot_voice",
    "audio": "cannot_voice",
    "video_note": "cannot_video",
    "video": "cannot_video",
    "animation": "cannot_video",
    "document": "cannot_document",
    "sticker": "cannot_sticker",
}


def _is_content(message: Message) -> bool:
    """Whether a message of a type that the library names in no list is the user's, and no service message."""
    return message.content_type is not None or bool(message.checklist or message.paid_media)


@bot.message_handler(
    func=_is_content, content_types=[*content_type_media, "live_photo", "rich_message", None]
)
def cannot_take(message: Message) -> None:
    """Say what the bot can take instead, once for an album: each of its items is a message of its own."""
    if _is_known_album(message.media_group_id):
        return None
    key = _BY_CONTENT.get(message.content_type, "cannot_other")
    return reply(current_context().rich("cannot_forward" if current_context().update.is_forwarded else key))


def _is_known_album(album: str | None) -> bool:
    context = current_context()
    if not album or context.is_offline:
        return False
    is_known = bool(context.data.get("album") == album)
    if not is_known:
        context.set_data("album", album)
    return is_known


@bot.my_chat_member_handler()
def block_state(change: ChatMemberUpdated) -> None:
    """Note that a person blocked or unblocked the bot in their private chat."""
    if change.chat.type == "private":
        current_context().set_active(change.new_chat_member.status not in ("kicked", "left"))
