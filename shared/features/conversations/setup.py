"""Writes what a user has set up for a conversation into the question, with the weight of the question.

Nothing of it enters the system prompt, and no text of a user can close the block that it stands in.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.telegram.conversation import Conversation

_END = re.compile(r"</(?=\s{0,9}(?:setup|wishes))", re.IGNORECASE)


def describe(conversation: Conversation) -> str:
    """Return the parts of the block."""
    if not conversation.instructions:
        return ""
    return f"<wishes>\n{harmless(conversation.instructions)}\n</wishes>"


def harmless(words: str) -> str:
    """Return a text that cannot end the block."""
    return _END.sub("< /", words)
