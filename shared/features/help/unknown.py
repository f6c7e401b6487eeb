"""Answers what no other handler takes: unknown commands, old buttons, content that the bot cannot use."""

from __future__ import annotations

from telebot.types import CallbackQuery, Message
from telebot.util import content_type_media

from shared.core import texts
from shared.features.common.menu import main_menu, menu_text
from shared.telegram import current_context, reply
from shared.telegram.feature import ANY
from shared.telegram.router import Router

router = Router()

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
    """Return whether a message is the user's content and no service message, also of unknown types."""
    return message.content_type is not None or bool(message.checklist or message.paid_media)


@router.message_handler(
    func=_is_content, content_types=[*content_type_media, "live_photo", "rich_message", None]
)
def cannot_take(message: Message) -> None:
    """Say what the bot can take instead; once for an album, whose items are messages of their own."""
    if _is_known_album(message.media_group_id):
        return None
    if message.content_type == "text" and not current_context().update.is_forwarded:
        return reply(menu_text(current_context()), main_menu(current_context()))  # no feature answers texts
    return reply(current_context().rich(_reason(message)))


def _reason(message: Message) -> str:
    """Return the key of what the bot can take instead; a bot that takes no texts either has its own."""
    context = current_context()
    own = f"cannot_{context.bot.name}"
    if texts.has(context.language, own):
        return own
    return (
        "cannot_forward"
        if context.update.is_forwarded
        else _BY_CONTENT.get(message.content_type, "cannot_other")
    )


def _is_known_album(album: str | None) -> bool:
    context = current_context()
    if not album or context.is_offline:
        return False
    is_known = bool(context.data.get("album") == album)
    if not is_known:
        context.set_data("album", album)
    return is_known


def _is_command(message: Message) -> bool:
    return (message.text or "").startswith("/") and not current_context().update.is_relayed


@router.message_handler(commands=[ANY], func=_is_command)
def unknown_command(_message: Message) -> None:
    """Point to /help."""
    reply(current_context().rich("unknown_command"))


@router.callback_query_handler(data=ANY)
def old_button(_call: CallbackQuery) -> None:
    """Answer a button that no handler takes any more."""
    context = current_context()
    context.answer_callback(context.text("button_old"), alert=True)
