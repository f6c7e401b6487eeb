"""A request of a page, as its handler sees it."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from flask import Response

from shared.core import texts
from shared.core.config import settings
from shared.core.errors import ConfigError
from shared.core.texts import figures
from shared.web import assets, language, templates

if TYPE_CHECKING:
    from flask import Request

_FUNCTION = "/console"


class Visit:
    """One request. Its handler returns `visit.render(…)`, or raises an HTTPException of Werkzeug."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.language = language.of(request)
        self.path = self.below_the_function(request.path)

    @staticmethod
    def below_the_function(path: str) -> str:
        """Return a path without the function's name, which a gateway may leave at its beginning."""
        below = path.removeprefix(_FUNCTION)
        return (below or "/") if below[:1] in ("", "/") else path

    @cached_property
    def _root(self) -> str:
        """The path of the console's address, without a slash at the end."""
        try:
            return urlsplit(settings().console_url).path.rstrip("/")
        except ConfigError:
            return ""

    def url(self, path: str) -> str:
        """Return the address of a page, for a link; it keeps the language that the visitor chose."""
        chosen = language.chosen(self.request)
        return self._root + quote(path) + (f"?{language.PARAMETER}={chosen}" if chosen else "")

    def text(self, key: str, /, **values: object) -> str:
        """Return a text in the visitor's language."""
        return texts.text(self.language, key, **values)

    def date(self, moment: datetime | str) -> str:
        """Return a day as the visitor's language writes it. The visitor's time zone is unknown."""
        return figures.date(self.language, moment, "UTC")

    def render(self, template: str, status: int = 200, **values: object) -> Response:
        """Return a template as a response. It knows `t`, `url`, `asset`, `language`, `translations`."""
        page = templates.render(
            template,
            t=self.text,
            url=self.url,
            asset=lambda name: f"{self._root}/assets/{assets.hashed_name(name)}",
            language=self.language,
            translations=self._translations(),
            **values,
        )
        return Response(page, status, content_type="text/html; charset=utf-8")

    def _translations(self) -> list[tuple[str, str, str]]:
        """Return code, name and address of this page in each language."""
        here = self._root + quote(self.path)
        names = {code: texts.language(code).NAME.partition(" ")[2] for code in sorted(texts.codes())}
        return [(code, name, f"{here}?{language.PARAMETER}={code}") for code, name in names.items()]
