"""/new and /chats: begin conversations, switch between them, rename and delete them.

In a chat with topics, each topic is a conversation of its own, which the user opens in Telegram.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db
from shared.core.display_names import display_name
from shared.core.user_input import command_argument
from shared.features.common.menu import back, buy_button
from shared.features.conversations import models, settings, sharing
from shared.telegram import current_context, reply, waits
from shared.telegram.context import StateUnavailable
from shared.telegram.conversation import LONGEST_NAME
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import CreateConversation, ListConversations, ListConversationsConversations
    from shared.core.texts import Text
    from shared.telegram.context import UpdateContext
    from shared.telegram.messages import Keyboard

router = Router()

PAGE = 6  # conversations of a page
_STATE = "chats"  # chats:name:<id>
_NUMBER = "[0-9]{1,18}"


@router.message_handler(commands=["new"], private_only=True)
def new(message: Message) -> None:
    """Begin a conversation, with the name that follows the command or, later, that of its first question."""
    context = current_context()
    if context.update.thread_id:
        return reply(context.rich("chats_topic"))
    return reply(*_begin(context, display_name(command_argument(message.text or "")[:500])[:LONGEST_NAME]))


@router.message_handler(commands=["chats"], private_only=True)
def chats(_message: Message) -> None:
    """List the conversations."""
    context = current_context()
    if context.update.thread_id:
        return reply(*_card(context, settings.list_all(context), settings.current_id(context)))
    return reply(*_list(context, settings.list_all(context), settings.current_id(context)))


@router.callback_query_handler(data=["chats", "chats@[0-9]{1,3}"], private_only=True, page="chats")
def show_chats(call: CallbackQuery) -> None:
    """List the conversations under a button."""
    context = current_context()
    if context.update.thread_id:
        return context.show(*_card(context, settings.list_all(context), settings.current_id(context)))
    page = int((call.data or "").partition("@")[2] or 0)
    return context.show(*_list(context, settings.list_all(context), settings.current_id(context), page))


@router.callback_query_handler(data="chats:new", private_only=True, page="chats")
def begin(_call: CallbackQuery) -> None:
    """Begin a conversation without a name."""
    context = current_context()
    context.show(*_begin(context, ""))


@router.callback_query_handler(data=f"chats:open:{_NUMBER}", private_only=True, page="chats")
def open_chat(call: CallbackQuery) -> None:
    """Switch to a conversation."""
    context = current_context()
    found = settings.list_all(context)
    conversation = int((call.data or "").rpartition(":")[2])
    row = _find(found, conversation)
    if row is None and conversation:
        context.answer_callback(context.text("chats_gone"), alert=True)
        return context.show(*_list(context, found, settings.current_id(context)))
    settings.switch(context, row["id"] if row else None)
    context.answer_callback(context.text("chats_opened", name=_name(context, row)))
    return context.show(*_card(context, found, conversation))


@router.callback_query_handler(data=f"chats:name:{_NUMBER}", private_only=True, page="chats")
def ask_name(call: CallbackQuery) -> None:
    """Ask for another name in the next message."""
    context = current_context()
    conversation = int((call.data or "").rpartition(":")[2])
    waits.begin(context, f"{_STATE}:name:{conversation}")
    context.show(context.rich("chats_ask_name"), waits.cancel_button(context, _STATE))


@router.message_handler(state=_STATE)
def take_name(message: Message) -> None:
    """Take another name of a conversation."""
    context = current_context()
    conversation = int(waits.current(context).rpartition(":")[2])
    name = display_name((message.text or "")[:500])
    if not 0 < len(name) <= LONGEST_NAME:
        return reply(context.rich("chats_bad_name", limit=LONGEST_NAME), waits.cancel_button(context, _STATE))
    waits.end(context)
    if settings.change(context, conversation, name=name)["outcome"] != "updated":
        return reply(context.rich("chats_gone"))
    return reply(*_list(context, settings.list_all(context), settings.current_id(context)))


@router.callback_query_handler(data=f"chats:delete:{_NUMBER}", private_only=True, page="chats")
def ask_deletion(call: CallbackQuery) -> None:
    """Ask before a conversation is deleted."""
    context = current_context()
    conversation = int((call.data or "").rpartition(":")[2])
    row = _find(settings.list_all(context), conversation)
    if row is None:
        return context.answer_callback(context.text("chats_gone"), alert=True)
    return context.show(
        context.rich("chats_delete_sure", name=_name(context, row)),
        [
            [(context.text("chats_delete"), f"chats:deleted:{conversation}")],
            [(context.text("chats_cancel"), "chats")],
        ],
    )


@router.callback_query_handler(data=f"chats:deleted:{_NUMBER}", private_only=True, page="chats")
def delete(call: CallbackQuery) -> None:
    """Delete a conversation; where it was the current one, the main one follows."""
    context = current_context()
    if context.is_offline:
        raise StateUnavailable
    conversation = int((call.data or "").rpartition(":")[2])
    db.call(
        "delete_conversation",
        p_user_id=context.user.id,
        p_bot=context.bot.name,
        p_chat_id=context.update.chat_id,
        p_thread=context.update.thread_id,
        p_id=conversation,
    )
    found, current = settings.list_all(context), settings.current_id(context)
    if current == conversation:
        main = _find(found, 0)
        settings.switch(context, main["id"] if main else None)
        current = main["id"] if main else 0
    context.answer_callback(context.text("chats_deleted"))
    context.show(*_list(context, found, current))


def _begin(context: UpdateContext, name: str) -> tuple[Text, Keyboard]:
    if context.is_offline:
        raise StateUnavailable
    created: CreateConversation = db.call(
        "create_conversation",
        p_user_id=context.user.id,
        p_bot=context.bot.name,
        p_chat_id=context.update.chat_id,
        p_thread=context.update.thread_id,
        p_name=name or None,
        p_reference=context.reference,
    )
    if created["outcome"] == "limit":
        rows = [[(context.text("chats_list"), "chats")], buy_button(context)]
        return context.rich("chats_limit", limit=created["most"]), [row for row in rows if row]
    settings.switch(context, created["id"])
    text = context.rich("chats_begun_named", name=name) if name else context.rich("chats_begun")
    return text, [[(context.text("chats_list"), "chats")]]


def _find(found: ListConversations, conversation: int) -> ListConversationsConversations | None:
    """Return a conversation of the list; 0: the main one, if anything was set for it."""
    return next(
        (one for one in found["conversations"] if conversation == (0 if one["is_main"] else one["id"])),
        None,
    )


def _name(context: UpdateContext, row: ListConversationsConversations | None) -> str:
    if row is None or (row["is_main"] and not row["name"]):
        return context.text("chats_main")
    return row["name"] or context.text("chats_unnamed")


def _list(
    context: UpdateContext, found: ListConversations, current: int, page: int = 0
) -> tuple[Text, Keyboard]:
    """Return a page of the list: the main conversation, then the others, the one used last first."""
    main = _find(found, 0)
    rows: list[tuple[int, str, bool]] = [
        (0, _name(context, main), current in (0, main["id"] if main else 0)),
        *(
            (one["id"], _name(context, one), one["id"] == current)
            for one in found["conversations"]
            if not one["is_main"]
        ),
    ]
    last = (len(rows) - 1) // PAGE
    page = min(page, last)
    keyboard: list[list[tuple[str, str]]] = [
        [(f"✅ {name}" if is_current else name, f"chats:open:{number}")]
        for number, name, is_current in rows[page * PAGE :][:PAGE]
    ]
    turns = [(context.text("chats_newer"), f"chats@{page - 1}")] if page else []
    if page < last:
        turns.append((context.text("chats_older"), f"chats@{page + 1}"))
    if turns:
        keyboard.append(turns)
    if found["shared"]:
        keyboard.append([(context.text("chatshare_count", count=found["shared"]), "chatshare:list")])
    name = next((name for _, name, is_current in rows if is_current), rows[0][1])
    text = context.rich("chats_list_text", name=name, used=len(rows) - 1, limit=found["most"])
    return text, [*keyboard, [(context.text("chats_new"), "chats:new")], *back(context)]


def _card(context: UpdateContext, found: ListConversations, conversation: int) -> tuple[Text, Keyboard]:
    """Return the screen of one conversation, which is the current one."""
    row = _find(found, conversation) or next(
        (one for one in found["conversations"] if one["id"] == conversation), None
    )
    has_instructions = row is not None and row["has_instructions"]
    text = context.rich(
        "chats_card",
        name=context.text("chats_this_topic") if context.update.thread_id else _name(context, row),
        model=models.title(context, row["model"] if row else None),
        instructions=context.text(
            "chats_instructions_set" if has_instructions else "chats_instructions_none"
        ),
    )
    keyboard: list[list[tuple[str, str]]] = [
        [(context.text("chats_model"), "model"), (context.text("chats_prompt"), "prompt")],
        [
            (context.text("chats_files"), "chatfile"),
            (context.text("chatexport_markdown"), "chatexport:md"),
            (context.text("chatexport_html"), "chatexport:html"),
        ],
    ]
    if found["most_shared"] and sharing.is_offered():
        keyboard.append([(context.text("chatshare_share"), "chatshare")])
    if context.update.thread_id and found["shared"]:
        keyboard.append([(context.text("chatshare_count", count=found["shared"]), "chatshare:list")])
    if not context.update.thread_id:
        change = [(context.text("chats_rename"), f"chats:name:{conversation}")]
        if row is not None and not row["is_main"]:
            change.append((context.text("chats_delete"), f"chats:delete:{conversation}"))
        keyboard += [change, [(context.text("chats_back"), "chats")]]
    return text, keyboard
