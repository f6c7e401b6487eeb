"""Bans: a banned user gets one notice, in private, and no further answers from any bot.

Their updates are received and finished like all others, so that Telegram does not resend them and a tapped
button stops waiting. Handlers get only what must not be lost: payments, a block of the bot, and what is
declared `allowed_while_banned` (the user's own data, the end of recurring payments). Bans are unknown while
the database is unavailable.
"""

from __future__ import annotations

from shared.telegram.context import UpdateContext

_NOTICE_KINDS = ("message", "callback_query")


def is_blocked(context: UpdateContext) -> bool:
    """Return whether a ban keeps the update from its handler."""
    return context.user.ban is not None and not is_kept(context)


def is_kept(context: UpdateContext) -> bool:
    """Return whether an update reaches its handler also where its user is not served."""
    update = context.update
    return (
        update.is_payment_update
        or update.kind == "my_chat_member"
        or context.bot.is_allowed_while_banned(context)
    )


def notify_banned(context: UpdateContext) -> None:
    """Send the single ban notice, in a private chat, if it was not sent yet."""
    ban = context.user.ban
    if context.update.inline_message_id:  # others see this message, so it gives no reason
        return context.edit_inline(context.rich("inline_banned"))
    if ban is None or ban.notified or context.update.is_group or context.update.kind not in _NOTICE_KINDS:
        return None
    context.set_ban_notified()
    if ban.reason:
        return context.reply(context.rich("banned_reason", reason=ban.reason))
    return context.reply(context.rich("banned"))
