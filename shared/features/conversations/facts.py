"""Stores what a user asks the bot to remember: a text of their own that begins with "remember …".

A forwarded text, a quote, a document or a voice message never writes to the memory, because others may have
written it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.core import db
from shared.features.common.menu import buy_button
from shared.telegram import reply

if TYPE_CHECKING:
    from shared.core.sql_types import RememberFact
    from shared.telegram.context import UpdateContext

LONGEST = 300  # characters of a fact
_FACT = re.compile(
    r"(?:(?:please|пожалуйста),?\s+)?"
    r"(?:remember(?:\s+that\s|\s*[:,]|(?=\s+(?:my|i|i['’]m|i['’]ve|we)\s))"
    r"|запомни(?:те)?(?:\s*[:,]\s*(?:что\s)?|\s+что\s|\s))\s*(.+)",
    re.IGNORECASE | re.DOTALL,
)


def take(context: UpdateContext, words: str) -> bool:
    """Store the fact of a text and answer it, without the AI; return False where the text asks for no memory.

    It is for the AI, too, where the user switched the memory off, in groups, and in a mode other than chat.
    """
    update = context.update
    is_own = update.kind == "message" and update.is_plain_text and not update.is_relayed
    if not is_own or not update.is_private or context.is_offline or "reply_to_message" in update.message:
        return False
    if context.user.memory_enabled is False or context.mode != "chat" or words.strip() != update.text.strip():
        return False
    found = _FACT.fullmatch(words.strip())
    if found is None or words.rstrip().endswith("?") or len(found[1]) > LONGEST:
        return False
    fact = " ".join(found[1].split())
    saved = store(context.user.id, context.bot.name, fact, context.reference)
    if saved["outcome"] == "off":  # switched off this moment
        return False
    show = [(context.text("memory_show"), "memory")]
    if saved["outcome"] == "limit":
        rows = [show, buy_button(context)]
        reply(context.rich("memory_full", limit=saved["most"]), [row for row in rows if row])
        return True
    forget = [(context.text("memory_forget"), f"memory:delete:{saved['id']}")]
    reply(context.rich("memory_saved", fact=fact), [[*forget, *show]])
    return True


def store(user_id: int, bot: str, fact: str, reference: str) -> RememberFact:
    """Store a fact about a user, once for a reference."""
    saved: RememberFact = db.call(
        "remember_fact", p_user_id=user_id, p_bot=bot, p_content=fact, p_reference=reference
    )
    return saved
