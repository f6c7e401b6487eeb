"""The knowledge base: articles of help that the AI answers from, and the AI's help for operators.

articles.py    articles as the AI reads them and answers name them
assistance.py  draft replies, summaries, translations, drafts of articles     prompts.py  what the AI is sent
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.telegram.feature import Feature

if TYPE_CHECKING:
    from shared.core.texts import Text
    from shared.telegram.context import UpdateContext

feature = Feature(__name__, admin_only=True)  # it takes no updates


def material(context: UpdateContext) -> str:
    """Return the articles that fit the question of an update as the AI reads them; empty without any."""
    if not context.articles:
        return ""
    from shared.features.knowledge.articles import material_of

    return material_of(context.bot.name, context.articles)


def sources(context: UpdateContext, answer: str) -> Text | None:
    """Return the links of the articles that an answer names without their link; None without any."""
    if not context.articles:
        return None
    from shared.features.knowledge.articles import sources_of

    return sources_of(context, answer)
