"""Which language a visitor reads.

The address's (`?lang=`), else that of the user who is logged in, else the browser's, else the default.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from shared.core import texts
from shared.core.config import settings
from shared.core.errors import ConfigError

if TYPE_CHECKING:
    from flask import Request

PARAMETER = "lang"


def chosen(request: Request) -> str:
    """Return the language that the address names; empty where it names none of ours."""
    code = request.args.get(PARAMETER, "")
    return code if code in texts.codes() else ""


def of(request: Request, own: Iterable[str | None] = ()) -> str:
    """Return the language for a request. A wrong setting does not keep an error page from its language.

    Args:
        request: of the visitor.
        own: the languages of the user who is logged in, BCP 47 tags.
    """
    if code := chosen(request):
        return code
    for wanted in (*own, *request.accept_languages.values()):
        code = (wanted or "").partition("-")[0].lower()
        if code in texts.codes():
            return code
    try:
        return settings().default_language
    except ConfigError:
        return "en"
