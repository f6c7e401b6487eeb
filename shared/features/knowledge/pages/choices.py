"""What forms of the knowledge base choose from, and its address."""

from __future__ import annotations

from shared.core import texts
from shared.core.config import settings
from shared.features import xp
from shared.web.visit import Visit

PATH = "/knowledge"


def bots(visit: Visit) -> list[tuple[str, str]]:
    """Return key and name of each bot, for a field of choices."""
    return [(one, xp.bot_title(visit, one)) for one in settings().bot_tokens]


def languages() -> list[tuple[str, str]]:
    """Return code and name of each language, for a field of choices."""
    return [(code, texts.language(code).NAME.partition(" ")[2]) for code in sorted(texts.codes())]
