"""Reads addresses of databases strictly, and knows the passwords in them for `output`.

libpq guesses where a password with an unescaped `@`, `/`, `?` or `#` ends, and repeats a part of it in its
error. Here such an address is refused before libpq sees it, with a message that does not repeat it.
"""

import json
import re
from urllib.parse import quote, unquote

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tools.database.errors import AddressError

_START = re.compile(r"\s*postgres(?:ql)?://", re.IGNORECASE)
_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")
# RFC 3986 allows these in the user information of an address; everything else is escaped.
_USER_INFORMATION = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*+")
TRANSACTION_POOLER_PORT = "6543"
_SEPARATORS = re.compile(r"[@:/?#\[\]\s\\'\"]")
SHORTEST_PART = 4  # characters of a part of a password that are worth hiding by themselves


def read(url: str) -> dict[str, str]:
    """Return the connection parameters of a DSN. Raises AddressError, which does not repeat its text."""
    start = _START.match(url)
    if start:
        _require_escaped(url[start.end() :])
    try:
        given = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except (psycopg.ProgrammingError, UnicodeError):
        raise AddressError(
            "The address of the database cannot be read: postgresql://USER:PASSWORD@HOST:PORT/NAME"
        ) from None
    if not given:
        raise AddressError("The address of the database is empty.")
    return given


def with_parameter(url: str, name: str, value: str) -> str:
    """Return a DSN that `read` has read, with a parameter more."""
    if _START.match(url):
        return f"{url}{'&' if '?' in url else '?'}{name}={quote(value, safe='')}"
    escaped = value.replace("\\", r"\\").replace("'", r"\'")
    return f"{url} {name}='{escaped}'"


def secrets(url: str) -> set[str]:
    """Return everything in a DSN that no output may contain, whether or not the DSN can be read."""
    found = {url.strip()}
    start = _START.match(url)
    if start and "@" in url:
        information = url[start.end() : url.rindex("@")]
        _, colon, password = information.partition(":")
        found |= _spellings(password) if colon else set()
    try:
        found |= _spellings(str(conninfo_to_dict(url).get("password") or ""))
    except (psycopg.ProgrammingError, UnicodeError):
        found |= {match[1] for match in re.finditer(r"password\s*=\s*'?([^\s']+)", url)}
    return found - {""}


def is_transaction_pooler(url: str) -> bool:
    """Whether the address is that of a transaction pooler, which keeps no session."""
    return read(url).get("port") == TRANSACTION_POOLER_PORT


def _spellings(password: str) -> set[str]:
    plain = unquote(password)
    parts = [part for text in (plain, password) for part in _SEPARATORS.split(text)]
    # Errors of Python repeat texts as literals.
    literals = {repr(plain)[1:-1], json.dumps(plain)[1:-1]}
    whole = {password, plain, quote(plain, safe=""), *literals}
    return whole | {part for part in parts if len(part) >= SHORTEST_PART}


def _require_escaped(rest: str) -> None:
    """Raise AddressError unless it is beyond doubt where the password ends."""
    information, at, _ = rest.rpartition("@")
    if not at:
        return
    if _USER_INFORMATION.fullmatch(information):
        return
    strange = next((sign for sign in _ESCAPED.sub("", information) if sign in "@/?#%[] "), "")
    example = f" ({quote(strange, safe='')} instead of {strange})" if strange else ""
    raise AddressError(
        f"The password in the address of the database has characters that must be escaped{example}:"
        " python -c 'from urllib.parse import quote; print(quote(input(), safe=\"\"))'"
    )
