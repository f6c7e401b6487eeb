"""The channel that free users join before the AI answers them (setting required_channel:<bot>).

The database names the channel with a question of a free user whose last check is too old, and reserves no
request then. Members are asked again after a day; where Telegram cannot answer, users pass for ten minutes.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from telebot.types import CallbackQuery

from shared.core import clock, db, log
from shared.core.errors import TelegramError
from shared.features.common.menu import buy_button
from shared.telegram import current_context, membership, outbox, reply
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import OutgoingItem

router = Router()

_MEMBER = "channel_member"  # in session_data: the channel, and until when the check holds
_ASKED = "channel_asked"  # in session_data: the channel that the user was asked to join
_JOINED = "channel:joined"
_MEMBER_FOR = timedelta(hours=24)
_UNCHECKED_FOR = timedelta(minutes=10)


def admits(context: UpdateContext) -> bool:
    """Return whether the user may ask the AI; else ask them to join the channel."""
    channel = context.required_channel
    if channel is None or _is_member(context, channel):
        context.required_channel = None
        return True
    context.set_data(_ASKED, channel)
    title, link = _described(context, channel)
    rows: Keyboard = [
        *([[(context.text("channel_open", title=title), link)]] if link else []),
        [(context.text("channel_joined"), _JOINED)],
        *filter(None, [buy_button(context)]),
    ]
    reply(context.rich("channel_required", title=title), rows)
    return False


@router.callback_query_handler(data=_JOINED)
def joined(_call: CallbackQuery) -> None:
    """Check with Telegram that the user joined the channel."""
    context = current_context()
    channel = context.data.get(_ASKED)
    if channel is None:
        return context.answer_callback(context.text("button_old"), alert=True)
    if not _is_member(context, channel):
        title, _ = _described(context, channel)
        return context.answer_callback(context.text("channel_not_yet", title=title), alert=True)
    context.set_data(_ASKED, None)
    return context.show(context.rich("channel_thanks"))


def _is_member(context: UpdateContext, channel: str) -> bool:
    """Ask Telegram, and store for how long the user passes."""
    try:
        is_member = membership.is_member(context.bot.name, channel, context.user.telegram_id)
        period = _MEMBER_FOR
    except TelegramError as error:
        _alarm(context, channel, error)
        is_member, period = True, _UNCHECKED_FOR
    if is_member:
        until = (clock.now() + period).timestamp()
        context.set_data(_MEMBER, {"channel": channel, "until": int(until)})
    return is_member


def _alarm(context: UpdateContext, channel: str, error: TelegramError) -> None:
    log.warning(
        "cannot check who joined the required channel",
        action="required_channel",
        bot=context.bot.name,
        reason=error.description,
    )
    outgoing: list[OutgoingItem] = db.call(
        "alarm_required_channel", p_bot=context.bot.name, p_channel=channel, p_reason=error.description
    )
    outbox.deliver_outgoing(outgoing)


def _described(context: UpdateContext, channel: str) -> tuple[str, str]:
    """Return the title and the link of the channel."""
    try:
        found = membership.channel_of(context.bot.name, channel)
    except TelegramError:
        is_public = channel.startswith("@")
        return channel, f"https://t.me/{channel.removeprefix('@')}" if is_public else ""
    return found.title, found.link
