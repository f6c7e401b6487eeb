"""Sessions: a cookie on the site, a bearer token in a Mini App. The database knows only hashes of the tokens.

A Mini App may run in a frame of Telegram's site, where cookies of other sites are refused; there the token
stays in the memory of the page.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from shared.core import db
from shared.core.signatures import bearer_token
from shared.web import avatars, cookies

if TYPE_CHECKING:
    from flask import Request

    from shared.core.sql_types import FindUserSession

COOKIE = "session"
_TOKEN = re.compile("[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Session:
    """A session and its user, as they were when the request came.

    Attributes:
        id: of the session, in the list of devices.
        token: the secret of the browser or Mini App.
        is_bearer: the token came in the header Authorization, which no other site can send.
        languages: chosen by the user, then that of the Telegram client.
        time_zone: IANA name.
        role: in the staff: owner, admin, operator, author; None: a user.
    """

    id: int
    token: str
    is_bearer: bool
    way: str
    user_id: int
    telegram_id: int
    first_name: str
    last_name: str | None
    username: str | None
    languages: tuple[str | None, ...]
    time_zone: str
    role: str | None
    is_paid: bool
    gate: str | None  # why the pages do not serve the user now: maintenance, invite or closed
    photo: str | None  # key of the profile photo

    @property
    def initials(self) -> str:
        """What stands for the photo where there is none."""
        return avatars.initials(self.name)

    @property
    def name(self) -> str:
        """The user's name as pages show it."""
        full = " ".join(part for part in (self.first_name, self.last_name) if part)
        return full or (f"@{self.username}" if self.username else str(self.telegram_id))


def find(request: Request) -> Session | None:
    """Return the session of a request; None where it has none that still lasts.

    Raises:
        DatabaseUnavailable: a token cannot be looked up.
    """
    header = request.headers.get("Authorization")
    token = bearer_token(header) if header else cookies.read(request, COOKIE)
    if not token or not _TOKEN.fullmatch(token):
        return None
    result: FindUserSession = db.call("find_user_session", p_token_hash=digest(token))
    found = result["session"]
    if found is None:
        return None
    return Session(
        token=token,
        is_bearer=bool(header),
        **{**found, "languages": tuple(found["languages"])},  # type: ignore[arg-type]
    )


def new_token() -> str:
    """Return a secret of 256 bits."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """Return the SHA-256 of a token as a parameter of type bytea."""
    return rf"\x{sha256(token.encode()).hexdigest()}"
