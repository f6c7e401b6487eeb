"""Maintenance and access modes: which users the bots serve now (settings maintenance and access_mode).

Updates of others are received and finished as those of banned users are, with the same exceptions: payments,
and what users may always do with their data and money (`allowed_while_banned`).
"""

from __future__ import annotations

from shared.telegram.bans import is_kept
from shared.telegram.context import UpdateContext


def is_closed(context: UpdateContext) -> bool:
    """Return whether the update is kept from its handler."""
    return context.user.gate is not None and not is_kept(context)


def explain(context: UpdateContext) -> None:
    """Say why there is no answer: in the private chat, and where a button was tapped."""
    text = context.rich(f"gate_{context.user.gate}")
    if context.update.kind == "callback_query":
        context.answer_callback(context.text(f"gate_{context.user.gate}_short"), alert=True)
    elif context.update.kind == "message" and context.update.is_private:
        context.reply(text)
