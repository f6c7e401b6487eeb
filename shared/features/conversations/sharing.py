"""Share a conversation as a page that can be withdrawn: the buttons in /chats. pages.py shows the page."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, NamedTuple

from telebot.types import CallbackQuery

from shared.core import db
from shared.core.config import settings as environment
from shared.features.conversations import settings
from shared.telegram import current_context
from shared.telegram.context import StateUnavailable
from shared.telegram.router import Router

if TYPE_CHECKING:
    from typing import TypeAlias

    from shared.core.sql_types import (
        ListSharedConversations,
        ListSharedConversationsPages,
        ShareConversation,
        ShareConversationPage,
        WithdrawSharedConversation,
    )
    from shared.core.texts import Text
    from shared.telegram.context import UpdateContext
    from shared.telegram.messages import Keyboard

    SharedPage: TypeAlias = ListSharedConversationsPages | ShareConversationPage

router = Router()

PATH = "/s/"  # of a page, before its token
_TOKEN_BYTES = 16
_NUMBER = "[0-9]{1,18}"


class Place(NamedTuple):
    """Where a user has conversations with a bot."""

    user_id: int
    bot: str
    chat_id: int
    thread: int
    bot_username: str | None


def is_offered() -> bool:
    """Return whether pages can be shared: whether the console is deployed."""
    return bool(environment().console_url)


@router.callback_query_handler(data="chatshare", private_only=True, page="chats")
def share(_call: CallbackQuery) -> None:
    """Share the current conversation, as far as it goes now."""
    context = current_context()
    if context.is_offline:
        raise StateUnavailable
    if not is_offered():
        return context.answer_callback(context.text("chatshare_off"), alert=True)
    place = Place(
        context.user.id,
        context.bot.name,
        context.update.chat_id,
        context.update.thread_id,
        context.bot.user.username,
    )
    done = share_conversation(place, settings.current_id(context), context.reference)
    if done["outcome"] == "empty":
        return context.answer_callback(context.text("chatexport_empty"), alert=True)
    if done["outcome"] == "limit":
        rows = [[(context.text("chatshare_list"), "chatshare:list")]]
        return context.show(context.rich("chatshare_limit", limit=done["most"]), rows)
    page = done["page"]
    key = "chatshare_done_cut" if page["is_cut"] else "chatshare_done"
    return context.show(_about(context, key, page), _buttons(context, page))


@router.callback_query_handler(data="chatshare:list", private_only=True, page="chats")
def show_pages(_call: CallbackQuery) -> None:
    """List the pages that the user shares."""
    context = current_context()
    context.show(*_list(context))


@router.callback_query_handler(data=f"chatshare:open:{_NUMBER}", private_only=True, page="chats")
def show_page(call: CallbackQuery) -> None:
    """Show one of them with its link."""
    context = current_context()
    number = int((call.data or "").rpartition(":")[2])
    page = next((one for one in _pages(context)["pages"] if one["id"] == number), None)
    if page is None:
        context.answer_callback(context.text("chatshare_gone"), alert=True)
        return context.show(*_list(context))
    return context.show(_about(context, "chatshare_page", page), _buttons(context, page))


@router.callback_query_handler(data=f"chatshare:stop:{_NUMBER}", private_only=True, page="chats")
def stop(call: CallbackQuery) -> None:
    """Withdraw a page."""
    context = current_context()
    if context.is_offline:
        raise StateUnavailable
    is_withdrawn = withdraw(context.user.id, int((call.data or "").rpartition(":")[2]))
    key = "chatshare_stopped" if is_withdrawn else "chatshare_gone"
    context.answer_callback(context.text(key))
    context.show(*_list(context))


def _pages(context: UpdateContext) -> ListSharedConversations:
    if context.is_offline:
        raise StateUnavailable
    return pages_of(context.user.id, context.bot.name)


def pages_of(user_id: int, bot: str) -> ListSharedConversations:
    """Return the pages that a user shares from a bot."""
    found: ListSharedConversations = db.call("list_shared_conversations", p_user_id=user_id, p_bot=bot)
    return found


def share_conversation(place: Place, conversation: int, reference: str) -> ShareConversation:
    """Share a conversation as far as it goes now; 0: the main one. A known reference finds its page."""
    done: ShareConversation = db.call(
        "share_conversation",
        p_user_id=place.user_id,
        p_bot=place.bot,
        p_chat_id=place.chat_id,
        p_thread=place.thread,
        p_id=conversation,
        p_token=secrets.token_urlsafe(_TOKEN_BYTES),
        p_bot_username=place.bot_username,
        p_reference=reference,
    )
    return done


def withdraw(user_id: int, number: int) -> bool:
    """Withdraw a page of a user; return whether it was open."""
    done: WithdrawSharedConversation = db.call("withdraw_shared_conversation", p_user_id=user_id, p_id=number)
    return done["withdrawn"]


def _list(context: UpdateContext) -> tuple[Text, Keyboard]:
    found = _pages(context)
    rows = [
        [(f"{_name(context, one)} · {context.date(one['created_at'])}", f"chatshare:open:{one['id']}")]
        for one in found["pages"]
    ]
    rows.append([(context.text("chats_back"), "chats")])
    if not found["pages"]:
        return context.rich("chatshare_none"), rows
    return context.rich("chatshare_pages", used=len(found["pages"]), limit=found["most"]), rows


def _name(context: UpdateContext, page: SharedPage) -> str:
    return page["title"] or context.text("chats_main")


def _link(page: SharedPage) -> str:
    return f"{environment().console_url}{PATH}{page['token']}"


def _about(context: UpdateContext, key: str, page: SharedPage) -> Text:
    return context.rich(
        key,
        name=_name(context, page),
        link=_link(page),
        messages=page["messages"],
        date=context.date(page["created_at"]),
        until=context.date(page["open_until"]),
    )


def _buttons(context: UpdateContext, page: SharedPage) -> Keyboard:
    rows = [
        [(context.text("chatshare_open"), _link(page))],
        [(context.text("chatshare_stop"), f"chatshare:stop:{page['id']}")],
        [(context.text("chatshare_list"), "chatshare:list"), (context.text("chats_back"), "chats")],
    ]
    return rows if is_offered() else rows[1:]
