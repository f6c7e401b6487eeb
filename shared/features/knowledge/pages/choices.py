"""What forms of the knowledge base choose from, and its address."""

from __future__ import annotations

import re
import secrets

from shared.core import texts
from shared.core.config import settings
from shared.features import xp
from shared.web.visit import Visit

PATH = "/knowledge"


_NOT_SLUG = re.compile("[^a-z0-9]+")
_SHORTEST_SLUG = 6


def slug_of(title: str) -> str:
    """Return an address of a title, with a random end, which makes it unique."""
    words = _NOT_SLUG.sub("-", title.casefold()).strip("-")[:48].strip("-")
    end = secrets.token_hex(3)
    return f"{words}-{end}" if len(words) >= _SHORTEST_SLUG else f"article-{end}"


def bots(visit: Visit) -> list[tuple[str, str]]:
    """Return key and name of each bot, for a field of choices."""
    return [(one, xp.bot_title(visit, one)) for one in settings().bot_tokens]


def languages() -> list[tuple[str, str]]:
    """Return code and name of each language, for a field of choices."""
    return [(code, texts.language(code).NAME.partition(" ")[2]) for code in sorted(texts.codes())]
