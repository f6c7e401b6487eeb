"""The knowledge base: articles of help that the AI answers from, and the AI's help for operators.

articles.py    articles as the AI reads them and answers name them
assistance.py  draft replies, summaries, translations, drafts of articles     prompts.py  what the AI is sent
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from shared.core import db, log
from shared.core.errors import DatabaseUnavailable
from shared.telegram.feature import Feature

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject
    from shared.core.sql_types import ArticlesForQuestion
    from shared.core.texts import Text
    from shared.telegram.context import UpdateContext

feature = Feature(__name__, admin_only=True)  # it takes no updates


def material(context: UpdateContext) -> str:
    """Return the articles that fit the question of an update as the AI reads them; empty without any."""
    if not context.articles:
        return ""
    from shared.features.knowledge.articles import material_of

    return material_of(context.bot.name, context.articles)


def find(context: UpdateContext, words: str) -> None:
    """Find the articles that fit words which the update did not have, a transcript (one round trip)."""
    if not context.has_articles:
        return
    try:
        found: list[ArticlesForQuestion] = db.call(
            "articles_for_question", p_bot=context.bot.name, p_text=words
        )
    except DatabaseUnavailable:
        log.info("an answer goes without articles", action="articles_not_found", bot=context.bot.name)
        return
    context.articles = cast("list[JsonObject]", found)


def sources(context: UpdateContext, answer: str) -> Text | None:
    """Return the links of the articles that an answer names without their link; None without any."""
    if not context.articles:
        return None
    from shared.features.knowledge.articles import sources_of

    return sources_of(context, answer)
