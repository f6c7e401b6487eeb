"""What a page declares: its path, its handler, and what it may do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.web.access import Access

if TYPE_CHECKING:
    from flask import Response

NO_STORE = "private, no-store"  # for pages with personal data
PRIVATE = "private, max-age=86400"  # for files of one user
CACHED = "public, max-age=300"  # for pages that are the same for all
IMMUTABLE = "public, max-age=31536000, immutable"  # for files whose name changes with their content


def row_id(name: str) -> str:
    """Return the part of a path that is the id of a row, given to the handler by this name."""
    return f"<int(max={2**63 - 1}):{name}>"


@dataclass(frozen=True)
class Policy:
    """What browsers may do with a page.

    Attributes:
        cache: Cache-Control. Pages that may be cached get an ETag.
        framed_by: origins that may show it in a frame (frame-ancestors); none: no page may.
        has_scripts: whether scripts of our own may run and call us; false: no script runs.
        referrer: Referrer-Policy.
        is_indexed: whether search engines may list it.
    """

    cache: str = NO_STORE
    framed_by: tuple[str, ...] = ()
    has_scripts: bool = False
    referrer: str = "strict-origin-when-cross-origin"
    is_indexed: bool = False


@dataclass(frozen=True)
class Page:
    """One page.

    Attributes:
        path: a rule of Werkzeug (`/courses/<string(length=8):key>`), without a slash at the end.
        show: called with the Visit and the values of the path, by name.
        policy: what browsers may do with it.
        methods: HEAD comes with GET.
        max_body: bytes of a body that it takes; 0: a request with a body is refused.
        access: who may open it.
        menu: the key of its text in the menu of those who may open it; empty: the menu leaves it out.
        for_servers: another server calls it, which sends no Origin. Such a page reads no session.
    """

    path: str
    show: Callable[..., Response]
    policy: Policy = Policy()
    methods: tuple[str, ...] = ("GET",)
    max_body: int = 0
    access: Access = Access.ANYONE
    menu: str = ""
    for_servers: bool = False

    def __post_init__(self) -> None:
        if self.access is not Access.ANYONE and self.policy.cache.startswith("public"):
            raise ValueError(f"{self.path}: a page that knows its visitor cannot be cached for others")
        if self.for_servers and self.access is not Access.ANYONE:
            raise ValueError(f"{self.path}: a page that knows its visitor takes forms of our own origin only")
