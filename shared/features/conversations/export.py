"""/export: the current conversation as a file, in Markdown or HTML."""

from __future__ import annotations

from datetime import datetime
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db
from shared.features.conversations import settings
from shared.telegram import current_context, reply
from shared.telegram.context import StateUnavailable
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import ExportConversation
    from shared.telegram.context import UpdateContext

router = Router()

_MOST = 5_000  # messages of a file

_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}"
    "h2{font-size:1rem;margin:1.5rem 0 .25rem}time{color:#777;font-weight:normal}"
    "div{white-space:pre-wrap;overflow-wrap:anywhere}"
)


@router.message_handler(commands=["export"], private_only=True)
def export(_message: Message) -> None:
    """Offer the formats, if there is anything to save."""
    context = current_context()
    if not _read(context, most=1)["messages"]:
        return reply(context.rich("chatexport_empty"))
    formats = [
        (context.text("chatexport_markdown"), "chatexport:md"),
        (context.text("chatexport_html"), "chatexport:html"),
    ]
    return reply(context.rich("chatexport_ask"), [formats])


@router.callback_query_handler(data="chatexport:(?:md|html)", private_only=True, page="export")
def send_export(call: CallbackQuery) -> None:
    """Send the file."""
    context = current_context()
    found = _read(context)
    if not found["messages"]:
        return context.answer_callback(context.text("chatexport_empty"), alert=True)
    ending = (call.data or "").rpartition(":")[2]
    content = _html(context, found) if ending == "html" else _markdown(context, found)
    file = BytesIO(content.encode())
    file.name = f"conversation-{found['messages'][-1]['created_at'][:10]}.{ending}"
    # Before the commit, because the outbox cannot store its bytes.
    context.bot.send_document(
        context.update.chat_id,
        file,
        caption=context.text("chatexport_cut") if found["is_cut"] else None,
        message_thread_id=context.update.thread_id or None,
    )
    return None


def _read(context: UpdateContext, most: int = _MOST) -> ExportConversation:
    if context.is_offline:
        raise StateUnavailable
    found: ExportConversation = db.call(
        "export_conversation",
        p_user_id=context.user.id,
        p_bot=context.bot.name,
        p_chat_id=context.update.chat_id,
        p_thread=context.update.thread_id,
        p_id=settings.current_id(context),
        p_limit=most,
    )
    return found


def _title(context: UpdateContext, found: ExportConversation) -> str:
    return found["name"] or context.text("chats_main")


def _speaker(context: UpdateContext, role: str) -> str:
    return context.text("chatexport_you" if role == "user" else "chatexport_ai")


def _moment(context: UpdateContext, created_at: str) -> str:
    return context.date(datetime.fromisoformat(created_at), with_time=True)


def _markdown(context: UpdateContext, found: ExportConversation) -> str:
    parts = [f"# {_title(context, found)}"]
    for one in found["messages"]:
        head = f"**{_speaker(context, one['role'])}** · {_moment(context, one['created_at'])}"
        parts.append(f"{head}\n\n{one['content']}")
    return "\n\n---\n\n".join(parts) + "\n"


def _html(context: UpdateContext, found: ExportConversation) -> str:
    """Return a page without scripts: all that the user and the AI wrote is escaped."""
    title = escape(_title(context, found))
    parts = [
        f"<h2>{escape(_speaker(context, one['role']))}"
        f" <time>{escape(_moment(context, one['created_at']))}</time></h2>\n"
        f"<div>{escape(one['content'])}</div>"
        for one in found["messages"]
    ]
    head = (
        f'<!doctype html>\n<html lang="{context.language}"><head><meta charset="utf-8"><title>{title}</title>'
    )
    return (
        f"{head}<style>{_STYLE}</style></head><body>\n<h1>{title}</h1>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )
