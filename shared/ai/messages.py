"""Build the messages of a completion: the mode's system prompt, the history, the new message."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from shared.ai.modes import ARTICLE_RULES, DOCUMENT_RULES, SETUP_RULES, Mode
from shared.ai.provider import from_user
from shared.ai.text_cleanup import without_reasoning
from shared.core.config import settings
from shared.core.texts import language as load_language


def messages_for(
    mode: Mode,
    history: Sequence[dict[str, str]],
    text: str,
    now: datetime,
    *,
    language: str | None = None,
    has_document: bool = False,
    setup: str = "",
    articles: str = "",
) -> list[dict[str, str]]:
    """Return messages of {role, content}, the oldest first; the history begins with a user message.

    Args:
        history: {role, content}, the oldest first, as `receive_update` returns it.
        text: the user's new message.
        now: the time, or at least the date, in the user's timezone.
        has_document: the new message holds a document.
        setup: what the user has set up for this conversation. It goes before the new message, never into the
            system prompt.
        articles: JSON with articles of help that fit the new message.
        language: the code of the user's language, as in `shared.core.texts`; None for the default one.
    """
    name = load_language(language or settings().default_language).NAME
    home = name.partition(" ")[2]  # after the flag
    prompt = mode.prompt.format(today=f"{now:%A}, {now.day} {now:%B %Y}", home=home)
    if has_document:
        prompt += DOCUMENT_RULES
    if setup:
        prompt += SETUP_RULES
        text = f"<setup>\n{setup}\n</setup>\n\n{text}"
    if articles:
        prompt += ARTICLE_RULES
        text = f"<articles>\n{articles}\n</articles>\n\n{text}"
    shown = [
        _without_reasoning(message) if message["role"] == "assistant" else message
        for message in from_user(history)
    ]
    return [{"role": "system", "content": prompt}, *shown, {"role": "user", "content": text}]


def _without_reasoning(message: dict[str, str]) -> dict[str, str]:
    content = without_reasoning(message["content"])
    return message if content is message["content"] else {**message, "content": content}
