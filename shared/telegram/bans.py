"""Whom no bot serves: a banned person is told once, in private, and then gets no answer, whatever they send.

What they send is received and finished like everything else, so Telegram does not bring it again and a tapped
button stops waiting. Handlers see nothing of it but what must not be lost: payments, that the person blocked
the bot, what everybody may ask of their own data, and what stops a payment that repeats itself. Nothing is
known of bans while the database is away.
"""

from __future__ import annotations

from shared.telegram.context import UpdateContext

_TOLD_AT = ("message", "callback_query")


def is_blocked(context: UpdateContext) -> bool:
    """Whether the update is not to reach its handler."""
    update = context.update
    return (
        context.user.ban is not None
        and not update.is_payment_update
        and update.kind != "my_chat_member"
        and not context.bot.is_allowed_while_banned(context)
    )


def notify_banned(context: UpdateContext) -> None:
    """Give the one notice, if it was not given yet; a group is not the place for it."""
    ban = context.user.ban
    if ban is None or ban.notified or context.update.is_group or context.update.kind not in _TOLD_AT:
        return
    context.set_ban_notified()
    if ban.reason:
        context.reply(context.rich("banned_reason", reason=ban.reason))
    else:
        context.reply(context.rich("banned"))
