"""A request of a page, as its handler sees it."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

import orjson
from flask import Response
from markupsafe import Markup

from shared.core import texts
from shared.core.config import settings
from shared.core.errors import ConfigError
from shared.core.texts import figures
from shared.web import addresses, assets, csrf, forms, language, templates
from shared.web.access import Access, allows, is_for_staff

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flask import Request

    from shared.web.page import Page
    from shared.web.sessions import Session

_FUNCTION = "/console"
_NOTICE = "notice"


class Visit:
    """One request. Its handler returns `visit.render(…)`, or raises an HTTPException of Werkzeug.

    Attributes:
        path: of the page, below the console's address.
        session: of the user who is logged in; None for a visitor, and on pages with Access.ANYONE.
        language: code of the language that the visitor reads.
        allowed: origins that the Content-Security-Policy allows besides, see `allow`.
    """

    def __init__(self, request: Request, pages: Sequence[Page] = ()) -> None:
        self.request = request
        self.path = self.below_the_function(request.path)
        self.session: Session | None = None
        self.language = language.of(request)
        self.allowed: list[tuple[str, str]] = []
        self._pages = pages

    def enter(self, session: Session | None) -> None:
        """Continue as the user of a session."""
        self.session = session
        if session is not None:
            self.language = language.of(self.request, session.languages)

    @property
    def user(self) -> Session:
        """The session, on pages for users.

        Raises:
            LookupError: the visitor is not logged in, and the page does not require it.
        """
        if self.session is None:
            raise LookupError("this page does not require a user")
        return self.session

    @property
    def is_reading(self) -> bool:
        """Whether the request changes nothing."""
        return self.request.method in ("GET", "HEAD")

    @property
    def wants_json(self) -> bool:
        """Whether a script of ours asks, which shows no page."""
        accepted = self.request.accept_mimetypes
        return accepted["application/json"] > accepted["text/html"]

    @staticmethod
    def below_the_function(path: str) -> str:
        """Return a path without the function's name, which a gateway may leave at its beginning."""
        below = path.removeprefix(_FUNCTION)
        return (below or "/") if below[:1] in ("", "/") else path

    @cached_property
    def root(self) -> str:
        """The path of the console's address, without a slash at the end."""
        try:
            return urlsplit(settings().console_url).path.rstrip("/")
        except ConfigError:
            return ""

    def url(self, path: str, /, **query: object) -> str:
        """Return the address of a page, for a link; it keeps the language that the visitor chose."""
        if chosen := language.chosen(self.request):
            query.setdefault(language.PARAMETER, chosen)
        return self.root + quote(path) + (f"?{urlencode(query)}" if query else "")

    def address(self, path: str) -> str:
        """Return the whole address of a page, for other sites."""
        return addresses.own(self.request) + path

    def number(self, name: str) -> int | None:
        """Return a number in the address, such as a row id or a page; None where there is none."""
        written = self.request.args.get(name, "")
        is_number = written.isascii() and written.isdecimal() and len(written) < 19
        return int(written) if is_number else None

    def redirect(self, path: str, notice: str = "", part: str = "", /, **query: object) -> Response:
        """Return the way to a page after a form.

        Args:
            path: of the page.
            notice: key of a text that the page shows then; it ends in `_notice`.
            part: id of the element to which the browser goes; empty: the beginning.
            query: of the address.
        """
        if notice:
            query[_NOTICE] = notice
        address = self.url(path, **query)
        return self.leave(f"{address}#{part}" if part else address)

    def leave(self, address: str) -> Response:
        """Return the way to an address elsewhere, such as a signed link to a file."""
        return Response(status=HTTPStatus.SEE_OTHER, headers={"Location": address})

    def form(self, model: type[forms.Model]) -> forms.Model:
        """Return what the visitor sent, a form or JSON.

        Raises:
            FormError: a field is missing or wrong.
        """
        return forms.read(self.request, model)

    def typed(self, faults: Mapping[str, str], failure: str = "") -> forms.FormView:
        """Return the form that was sent, to show it again.

        Args:
            faults: the key of a text for each field that is wrong, as FormError has them.
            failure: text about the form as a whole.
        """
        wrong = {name: self.text(key) for name, key in faults.items() if name}
        values = {name: forms.typed(value) for name, value in self.request.form.items()}
        return forms.FormView(values, wrong, failure)

    def json(self, value: object, status: int = 200) -> Response:
        """Return an answer for a script of ours."""
        return Response(orjson.dumps(value), status, content_type="application/json")

    def allow(self, directive: str, origin: str) -> None:
        """Let the Content-Security-Policy of this response allow an origin, such as that of a video."""
        self.allowed.append((directive, origin))

    def text(self, key: str, /, **values: object) -> str:
        """Return a text in the visitor's language."""
        return texts.text(self.language, key, **values)

    def rich(self, key: str, /, **values: object) -> texts.Text:
        """Return a text in the visitor's language with its styles; `styled.to_html` shows them."""
        return texts.rich(self.language, key, **values)

    def date(self, moment: datetime | str, *, with_time: bool = False) -> str:
        """Return a day as the visitor's language writes it, in the user's time zone; UTC for others."""
        zone = self.session.time_zone if self.session else "UTC"
        return figures.date(self.language, moment, zone, with_time=with_time)

    def render(self, template: str, status: int = 200, **values: object) -> Response:
        """Return a template as a response. What it knows besides `values` is listed in docs/console.md."""
        page = templates.render(
            template,
            t=self.text,
            url=self.url,
            asset=lambda name: f"{self.root}/assets/{assets.hashed_name(name)}",
            language=self.language,
            translations=self._translations(),
            session=self.session,
            menu=self._menu_entries(for_staff=False),
            staff_menu=self._menu_entries(for_staff=True),
            notice=self._notice(),
            csrf=self._csrf_field(),
            **values,
        )
        return Response(page, status, content_type="text/html; charset=utf-8")

    def _menu_entries(self, *, for_staff: bool) -> list[tuple[str, str, str]]:
        """Return address, text and aria-current of the pages in the menu that the user may open.

        The pages of the staff have a menu of their own.
        """
        user = self.session
        if user is None:
            return []
        return [
            (self.url(page.path), self.text(page.menu), self._place_in(page.path))
            for page in self._pages
            if page.menu
            and is_for_staff(page.access) == for_staff
            and allows(page.access, role=user.role, is_paid=user.is_paid)
        ]

    def _place_in(self, path: str) -> str:
        """Return aria-current of a menu entry: this page, one below it, or another."""
        return "page" if self.path == path else "true" if self.path.startswith(f"{path}/") else ""

    def offers(self, path: str) -> bool:
        """Return whether there is a page with this path that the user may open."""
        user = self.session
        return any(
            page.path == path
            and (
                page.access in (Access.ANYONE, Access.VISITOR)
                or (user is not None and allows(page.access, role=user.role, is_paid=user.is_paid))
            )
            for page in self._pages
        )

    def _notice(self) -> str:
        """Return the text of what the visitor just did."""
        key = self.request.args.get(_NOTICE, "")
        if not key.endswith("_notice") or not texts.has(self.language, key):
            return ""
        try:
            return self.text(key)
        except KeyError:  # a message of a bot, which needs values; anyone can write its key into an address
            return ""

    @cached_property
    def form_page(self) -> str:
        """Path and query of our page whose form was sent; empty if it is unknown."""
        if self.request.method != "POST":
            return ""
        try:
            page = urlsplit(self.request.referrer or "")
            own = urlsplit(addresses.own(self.request))
        except (ConfigError, ValueError):  # a wrong setting, or an address that is none
            return ""
        if page.netloc != own.netloc or not page.path.startswith("/") or page.path[1:2] in ("/", "\\"):
            return ""
        return f"{page.path}?{page.query}" if page.query else page.path

    def _csrf_field(self) -> Markup:
        """Return the hidden field that every form of a user has."""
        if self.session is None:
            return Markup("")
        return Markup('<input type="hidden" name="{}" value="{}">').format(
            csrf.FIELD, csrf.token(self.session)
        )

    def _translations(self) -> list[tuple[str, str, str]]:
        """Return code, name and address of this page in each language."""
        here = self.root + quote(self.path)
        if self.request.method == "POST":  # an address of a form alone cannot be opened
            here = self.form_page.partition("?")[0] or f"{self.root}/"
        names = {code: texts.language(code).NAME.partition(" ")[2] for code in sorted(texts.codes())}
        return [(code, name, f"{here}?{language.PARAMETER}={code}") for code, name in names.items()]
