"""Which language a visitor reads.

The address's (`?lang=`), else what an address named last, which a cookie keeps, else that of the user who is
logged in, else the browser's, else the default. Links keep it too, because a Mini App has no cookies.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from shared.core import texts
from shared.core.config import settings
from shared.core.errors import ConfigError
from shared.web import cookies

if TYPE_CHECKING:
    from flask import Request, Response

PARAMETER = "lang"
_COOKIE = "language"


def chosen(request: Request) -> str:
    """Return the language that the address names; empty where it names none of ours."""
    code = request.args.get(PARAMETER, "")
    return code if code in texts.codes() else ""


def keep(request: Request, response: Response) -> None:
    """Keep the language that the address names for later requests: forms, the way back from a payment.

    Not for pages that a cache gives to others.
    """
    code = chosen(request)
    if not code or code == _kept(request):
        return
    with suppress(ConfigError):  # of an error page
        cookies.write(response, _COOKIE, code)


def forget(response: Response) -> None:
    """Forget what an address named: the user has chosen a language everywhere."""
    cookies.delete(response, _COOKIE)


def _kept(request: Request) -> str:
    try:
        code = cookies.read(request, _COOKIE)
    except ConfigError:  # an error page
        return ""
    return code if code in texts.codes() else ""


def of(request: Request, own: Iterable[str | None] = ()) -> str:
    """Return the language for a request. A wrong setting does not keep an error page from its language.

    Args:
        request: of the visitor.
        own: the languages of the user who is logged in, BCP 47 tags.
    """
    if code := chosen(request):
        return code
    for wanted in (_kept(request), *own, *request.accept_languages.values()):
        code = (wanted or "").partition("-")[0].lower()
        if code in texts.codes():
            return code
    try:
        return settings().default_language
    except ConfigError:
        return "en"
