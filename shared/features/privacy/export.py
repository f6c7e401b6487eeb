"""/mydata: everything that is stored about a user, as a file that they can read and take elsewhere.

A long conversation comes in several files, one at a tap: each update has its own time and memory.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from io import BytesIO
from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message

from shared.core import clock, db
from shared.features.privacy import export_file
from shared.telegram import current_context, reply
from shared.telegram.context import UpdateContext
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import ExportUserData

router = Router()

PAUSE = timedelta(hours=1)  # between two requests: the answer costs as much as a hundred commands
_KEY = "mydata"  # of the session: {"at", "after", "part"} of what was sent last
_PREFIX = "mydata:"


@router.message_handler(commands=["mydata"], allowed_while_banned=True, private_only=True)
def mydata(_message: Message) -> None:
    """Send the file, or its first part."""
    context = current_context()
    now = clock.now()
    sent_at = (context.data.get(_KEY) or {}).get("at")
    left = datetime.fromisoformat(sent_at) + PAUSE - now if sent_at else timedelta(0)
    if left > timedelta(0):
        return reply(context.rich("mydata_wait", minutes=-(-left.seconds // 60)))
    return _send(context, now.isoformat(timespec="seconds"), after=0, part=1)


@router.callback_query_handler(
    data=_PREFIX + ".+", allowed_while_banned=True, private_only=True, page="mydata"
)
def next_part(call: CallbackQuery) -> None:
    """Send the next part; each button works once."""
    context = current_context()
    last = context.data.get(_KEY) or {}
    if str(last.get("after")) != (call.data or "").removeprefix(_PREFIX):
        return context.answer_callback(context.text("button_old"), alert=True)
    return _send(context, last["at"], last["after"], last["part"] + 1)


def _send(context: UpdateContext, at: str, after: int, part: int) -> None:
    export: ExportUserData | None = db.call("export_user_data", p_user_id=context.user.id, p_after=after)
    if export is None:  # erased this moment, by an update beside this one
        return
    file = BytesIO(export_file.of(context, export))
    file.name = f"mydata-{at[:10]}.json" if part == 1 else f"mydata-{at[:10]}-{part}.json"
    following = export["next"]
    caption, buttons = context.text("mydata_caption"), None
    if following is not None:
        label = context.text("mydata_next", part=part + 1)
        buttons = InlineKeyboardMarkup([[InlineKeyboardButton(label, callback_data=f"{_PREFIX}{following}")]])
        caption += "\n\n" + context.text("mydata_more", part=part)
    thread = context.update.thread_id or None
    context.bot.send_document(
        context.update.chat_id, file, caption=caption, reply_markup=buttons, message_thread_id=thread
    )
    context.set_data(_KEY, {"at": at, "after": following, "part": part})
