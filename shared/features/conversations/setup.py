"""Writes what a user has set up for a conversation into the question, with the weight of the question.

Nothing of it enters the system prompt, and no text of a user can close the block that it stands in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.telegram.conversation import Conversation

_END = re.compile(r"</(?=\s{0,9}(?:setup|wishes|facts|summary|file))", re.IGNORECASE)


def describe(conversation: Conversation | None, memory: Sequence[str]) -> str:
    """Return the parts of the block: wishes, facts, the summary of what was said before, files."""
    parts = {
        "wishes": conversation.instructions if conversation else None,
        "facts": "\n".join(f"- {one}" for one in memory),
        "summary": conversation.summary if conversation else None,
        "files": "\n\n".join(_file(one["name"], one["content"]) for one in conversation.files)
        if conversation
        else None,
    }
    return "\n".join(f"<{name}>\n{harmless(words)}\n</{name}>" for name, words in parts.items() if words)


def _file(name: str, content: str) -> str:
    return f"[File “{name}”]\n{content}"


def harmless(words: str) -> str:
    """Return a text that cannot end the block."""
    return _END.sub("< /", words)
