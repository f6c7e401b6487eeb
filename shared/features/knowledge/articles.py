"""Articles as the AI reads them, and as answers name them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import orjson

from shared.core.config import settings
from shared.core.texts import Text, concat, utf16_length

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject
    from shared.telegram.context import UpdateContext

PAGE = "/help"


def address(bot: str, language: str, slug: str) -> str:
    """Return the address of an article's public page; empty where there is no site."""
    site = settings().console_url
    return f"{site}{PAGE}/{bot}/{language}/{slug}" if site else ""


def material_of(bot: str, articles: Sequence[JsonObject]) -> str:
    """Return articles as JSON, in which no text can end the block that holds it."""
    shown = [
        {
            "title": one["title"],
            "link": address(bot, one["language"], one["slug"]),
            "text": one["body"],
        }
        for one in articles
    ]
    return orjson.dumps(shown).decode().replace("<", "\\u003c")


def sources_of(context: UpdateContext, answer: str) -> Text | None:
    """Return the links of the articles that an answer names without their link; None without any."""
    lines = []
    words = answer.casefold()
    for one in context.articles:
        link = address(context.bot.name, one["language"], one["slug"])
        if link and link not in answer and one["title"].casefold() in words:
            lines.append(_link(one["title"], link))
    return concat(Text("📖", []), *lines, separator="\n") if lines else None


def _link(title: str, address: str) -> Text:
    entity = {"type": "text_link", "offset": 0, "length": utf16_length(title), "url": address}
    return Text(title, [entity])
