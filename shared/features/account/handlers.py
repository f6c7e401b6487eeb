"""The handlers of a user's account, and whether the user has blocked the bot."""

from __future__ import annotations

from telebot.types import ChatMemberUpdated

from shared.features.account import profile, usage, whoami
from shared.telegram import current_context
from shared.telegram.router import Router

router = Router(profile.router, usage.router, whoami.router)


@router.update_handler("my_chat_member")
def block_state(change: ChatMemberUpdated) -> None:
    """Store that a user blocked or unblocked the bot in the private chat."""
    if change.chat.type == "private":
        current_context().set_active(change.new_chat_member.status not in ("kicked", "left"))
