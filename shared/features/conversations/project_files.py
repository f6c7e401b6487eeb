"""Files of a conversation: documents whose text the AI reads with each question of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db
from shared.core.log import redact_secrets
from shared.core.texts import Text, concat, figures
from shared.features.common.menu import buy_button
from shared.features.conversations import settings
from shared.features.conversations.reading import name_of, read_document
from shared.telegram import current_context, reply, waits
from shared.telegram.chat_action import typing
from shared.telegram.context import StateUnavailable
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import AddConversationFile, ListConversationFiles
    from shared.telegram.context import UpdateContext
    from shared.telegram.messages import Keyboard

router = Router()

_STATE = "chatfile"  # chatfile:<id of the conversation>[:<album whose rest is awaited>]
_ALBUM_SECONDS = 60  # from one document of an album to the next


@router.callback_query_handler(data="chatfile", private_only=True, page="chats")
def show_files(_call: CallbackQuery) -> None:
    """List the files of the current conversation."""
    context = current_context()
    context.show(*_list(context))


@router.callback_query_handler(data="chatfile:add", private_only=True, page="chats")
def ask_file(_call: CallbackQuery) -> None:
    """Ask for a document in the next message."""
    context = current_context()
    _await(context, f"{settings.current_id(context)}")
    context.show(context.rich("chatfile_ask"), waits.cancel_button(context, _STATE))


@router.callback_query_handler(data="chatfile:delete:[0-9]{1,18}", private_only=True, page="chats")
def delete_file(call: CallbackQuery) -> None:
    """Delete a file of the conversation."""
    context = current_context()
    if context.is_offline:
        raise StateUnavailable
    number = int((call.data or "").rpartition(":")[2])
    db.call("delete_conversation_file", p_user_id=context.user.id, p_id=number)
    context.answer_callback(context.text("chatfile_deleted"))
    context.show(*_list(context))


def _is_awaited(message: Message) -> bool:
    """Return whether a message is the awaited document, or of the album whose first one was added."""
    album = waits.current(current_context()).split(":")[2:]
    return not album or album == [message.media_group_id]


@router.message_handler(state=_STATE, func=_is_awaited, content_types=["document", "text"])
def take_file(message: Message) -> None:
    """Add the document that was awaited."""
    context = current_context()
    if message.document is None:
        return reply(context.rich("chatfile_ask"), waits.cancel_button(context, _STATE))
    conversation = int(waits.current(context).split(":")[1])
    found = context.update.message["document"]
    with typing(context):
        document = read_document(context, found)
    if document is None:
        return None
    added: AddConversationFile = db.call(
        "add_conversation_file",
        p_user_id=context.user.id,
        p_bot=context.bot.name,
        p_chat_id=context.update.chat_id,
        p_thread=context.update.thread_id,
        p_id=conversation,
        p_name=name_of(found),
        p_content=redact_secrets(document.text),
        p_reference=context.reference,
    )
    if added["outcome"] == "characters":
        text = context.rich("chatfile_too_long", length=len(document.text), left=added["left"])
        return reply(text, [*waits.cancel_button(context, _STATE), *filter(None, [buy_button(context)])])
    waits.end(context)
    if message.media_group_id and added["outcome"] != "none":
        _await(context, f"{conversation}:{message.media_group_id}", _ALBUM_SECONDS)
    if added["outcome"] == "files":
        return reply(context.rich("chatfile_limit", limit=added["most"]), _to_list(context))
    if added["outcome"] == "none":
        return reply(context.rich("chats_gone"))
    if settings.current_id(context) == 0:
        context.set_data(settings.CURRENT, added["conversation"])
    text = context.rich("chatfile_added", name=name_of(found))
    if document.is_cut:
        text = concat(text, context.rich("document_cut", length=len(document.text)), separator="\n\n")
    return reply(text, _to_list(context))


def _await(context: UpdateContext, what: str, seconds: int = waits.SECONDS) -> None:
    waits.begin(context, f"{_STATE}:{what}", seconds, takes_forwarded_document=True)


def _to_list(context: UpdateContext) -> Keyboard:
    return [[(context.text("chats_files"), "chatfile")]]


def _list(context: UpdateContext) -> tuple[Text, Keyboard]:
    if context.is_offline:
        raise StateUnavailable
    found: ListConversationFiles = db.call(
        "list_conversation_files", p_user_id=context.user.id, p_id=settings.current_id(context)
    )
    if found["most"] == 0 and not found["files"]:
        return context.rich("document_not_included"), [[(context.text("chats_back"), "chats")]]
    rows = [[(f"🗑 {one['name']}", f"chatfile:delete:{one['id']}")] for one in found["files"]]
    if len(rows) < found["most"]:
        rows.append([(context.text("chatfile_add"), "chatfile:add")])
    lines = [
        f"• {one['name']} — {figures.number(context.language, one['characters'])}" for one in found["files"]
    ]
    text = context.rich(
        "chatfile_list" if lines else "chatfile_none",
        files="\n".join(lines),
        used=sum(one["characters"] for one in found["files"]),
        limit=found["characters"],
    )
    return text, [*rows, [(context.text("chats_back"), "chats")]]
