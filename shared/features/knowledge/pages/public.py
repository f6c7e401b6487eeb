"""The public page of an article."""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.exceptions import NotFound

from shared.core import db, texts
from shared.core.errors import TelegramError
from shared.features.common import console_bot
from shared.features.knowledge.articles import PAGE
from shared.telegram import configured
from shared.web import markdown
from shared.web.page import CACHED, Page, Policy

if TYPE_CHECKING:
    from flask import Response

    from shared.core.sql_types import PublishedArticle
    from shared.web.visit import Visit


def show(visit: Visit, bot: str, language: str, slug: str) -> Response:
    """Show a published article, in its own language, not the visitor's.

    Raises:
        NotFound: none is published there.
    """
    found: PublishedArticle | None = db.call("published_article", p_bot=bot, p_language=language, p_slug=slug)
    if found is None:
        raise NotFound
    return visit.render(
        "knowledge/article.html",
        title=markdown.clean(found["title"]),
        body=markdown.to_html(
            found["body"], code=visit.text("knowledge_code"), table=visit.text("knowledge_table"), top=2
        ),
        article_language=language,
        bot=_chat(bot),
        updated=visit.date(found["updated_at"]),
        others=[
            (visit.url(f"{PAGE}/{bot}/{code}/{other}"), code, texts.language(code).NAME.partition(" ")[2])
            for code, other in sorted(found["other"].items())
        ],
    )


def _chat(bot: str) -> str:
    """Return the address of the chat with the bot; empty while it is unknown."""
    try:
        return console_bot.chat(console_bot.username(bot)) if bot in configured.names() else ""
    except TelegramError:
        return ""


pages = (
    Page(
        f"{PAGE}/<string(maxlength=32):bot>/<string(length=2):language>/<string(maxlength=64):slug>",
        show,
        Policy(cache=CACHED, is_indexed=True),
    ),
)
