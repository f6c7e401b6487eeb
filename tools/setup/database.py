"""Addresses of the database: reads what was pasted, escapes the password, logs in."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote, urlsplit

from tools.setup.verdict import Verdict

_PLACEHOLDER = re.compile(r"\[?YOUR[-_]PASSWORD\]?|PASSWORD", re.IGNORECASE)
_POOLER = re.compile(r"[a-z0-9-]+\.pooler\.supabase\.(com|co)")
_DIRECT = re.compile(r"db\.([a-z]{20})\.supabase\.(co|com)")
SESSION_PORT, TRANSACTION_PORT = 5432, 6543
UNKNOWN_PROJECT = "This pooler does not know the project: copy the host under Connect again."
WRONG_PASSWORD = "The password is wrong. Supabase → Database → Settings resets it."  # noqa: S105
# What libpq and Supavisor say (supabase.com/docs/guides/troubleshooting), and what to do about it.
_REASONS = (
    ("password authentication failed", WRONG_PASSWORD),
    ("tenant or user not found", UNKNOWN_PROJECT),
    ("enotfound", UNKNOWN_PROJECT),
    ("certificate verify failed", "The server's certificate is not Supabase's: another machine answered."),
    ("could not translate host name", "There is no such host: copy the address under Connect again."),
    ("name or service not known", "There is no such host: copy the address under Connect again."),
    ("network is unreachable", "The host answers IPv6 only: use the pooler's address under Connect."),
    ("max client connections reached", "The pooler has no free connection: try again in a minute."),
    ("maxclientsinsessionmode", "The pooler has no free connection: try again in a minute."),
    ("timeout", "The server did not answer in time: is the project paused?"),
    ("connection refused", "Nothing listens there: is the project paused?"),
)


class AddressError(ValueError):
    """A pasted address cannot be used; the message says which one to copy, and repeats nothing of it."""


@dataclass(frozen=True)
class Address:
    """Where a database is reached, and by which role. `password` is as it was chosen, not escaped."""

    host: str
    port: int
    database: str
    user: str
    password: str = ""
    query: str = ""

    def url(self) -> str:
        """Return the address with the password escaped."""
        login = quote(self.user, safe="")
        password = f":{quote(self.password, safe='')}" if self.password else ""
        query = f"?{self.query}" if self.query else ""
        return f"postgresql://{login}{password}@{self.host}:{self.port}/{self.database}{query}"

    def with_password(self, password: str) -> Address:
        """Return the same address with another password."""
        return replace(self, password=password)

    def backend(self, password: str) -> Address:
        """Return the address of the functions: role bot_backend through the transaction pooler."""
        _, dot, reference = self.user.partition(".")
        port = TRANSACTION_PORT if _POOLER.fullmatch(self.host) else self.port
        return replace(self, user=f"bot_backend{dot}{reference}", password=password, port=port)


def parse(text: str) -> Address:
    """Read an address as Supabase shows it under Connect, or with the password in it, escaped or not.

    Raises AddressError.
    """
    match = re.fullmatch(r"postgres(?:ql)?://(?P<login>.*)@(?P<rest>[^@]+)", text.strip())
    if match is None:
        raise AddressError(
            "It looks like postgresql://postgres.abcd…:[YOUR-PASSWORD]@aws-0-….pooler.supabase.com:5432/postgres."
        )
    user, _, password = match["login"].partition(":")
    try:
        parts = urlsplit(f"postgresql://{match['rest']}")
        host, port = parts.hostname or "", parts.port or SESSION_PORT
    except ValueError:
        raise AddressError("The port in this address is no number.") from None
    if direct := _DIRECT.fullmatch(host):
        raise AddressError(
            f"This is the direct host, which answers IPv6 only. Copy the session pooler's address: "
            f"its user is postgres.{direct[1]}."
        )
    if _POOLER.fullmatch(host):
        if "." not in user:
            raise AddressError(
                "Through the pooler the user is postgres.<project reference>: copy the whole address."
            )
        port = SESSION_PORT  # migrations need a session; 6543 has none
    return Address(
        host, port, parts.path.lstrip("/") or "postgres", unquote(user), _password(password), parts.query
    )


def _password(text: str) -> str:
    if not text or _PLACEHOLDER.fullmatch(text):
        return ""
    # Escaped where every % begins an escape; else it is the password as it was chosen.
    return unquote(text) if not re.search(r"%(?![0-9A-Fa-f]{2})", text) else text


def new_password() -> str:
    """Return a password that needs no escaping."""
    return secrets.token_hex(24)


def log_in(url: str) -> Verdict:
    """Log in and ask for the version: the whole way with TLS, host, user and password."""
    import psycopg

    from tools.database.connections import connect

    try:
        with connect(url) as connection:
            row = connection.execute("select current_user, current_setting('server_version')").fetchone()
    except psycopg.Error as error:
        return Verdict.bad(reason(str(error)))
    assert row is not None
    return Verdict.good(f"logged in as {row[0]}, Postgres {row[1].split()[0]}")


def reason(message: str) -> str:
    """Return what to do about a failed login; the server's own words may hold user and host."""
    lowered = message.lower()
    for words, meaning in _REASONS:
        if words in lowered:
            return meaning
    return "The login failed: compare host, user and password with Supabase → Connect."
