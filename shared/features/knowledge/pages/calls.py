"""Calls of SQL functions of the knowledge base: refusals become answers that an operator understands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.exceptions import Forbidden, NotFound

from shared.core import texts
from shared.core.config import settings
from shared.core.errors import Refusal
from shared.features import xp
from shared.web.visit import Visit

PATH = "/knowledge"
_ROLE, _UNKNOWN = "N0009", "I0001"


@contextmanager
def refusals() -> Iterator[None]:
    """Turn refusals of SQL into errors of a page.

    Raises:
        Forbidden: the user is no operator any more.
        NotFound: there is no such conversation.
    """
    try:
        yield
    except Refusal as refusal:
        if refusal.sqlstate == _ROLE:
            raise Forbidden from None
        if refusal.sqlstate == _UNKNOWN:
            raise NotFound from None
        raise


def bots(visit: Visit) -> list[tuple[str, str]]:
    """Return key and name of each bot, for a field of choices."""
    return [(one, xp.bot_title(visit, one)) for one in settings().bot_tokens]


def languages() -> list[tuple[str, str]]:
    """Return code and name of each language, for a field of choices."""
    return [(code, texts.language(code).NAME.partition(" ")[2]) for code in sorted(texts.codes())]
