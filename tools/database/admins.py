"""Who is an admin: what ADMIN_EMAILS and ADMIN_TELEGRAM_IDS say. The application never writes it.

The two are lists of the same order; an admin without a Telegram id acts only through SQL functions.
"""

import re
from collections.abc import Mapping
from itertools import zip_longest

import psycopg

from tools.database.connections import as_owner, connect
from tools.database.errors import SettingError

_EMAIL = re.compile(r"[^@\s,]+@[^@\s,]+\.[^@\s,]+")


def write(url: str, environment: Mapping[str, str]) -> list[str] | None:
    """Make the table of admins what the environment says; return their addresses.

    Without ADMIN_EMAILS nothing is changed and None returned, so that a forgotten variable removes no admin.
    Raises SettingError for a malformed value, before anything is written.
    """
    if not environment.get("ADMIN_EMAILS", "").strip():
        return None
    admins = read(environment)
    with connect(url) as connection, as_owner(connection):
        _replace(connection, admins)
    return sorted(admins)


def read(environment: Mapping[str, str]) -> dict[str, int | None]:
    """Return the admins that the environment names: e-mail address and, where there is one, Telegram id.

    Raises SettingError for a malformed value.
    """
    addresses = [w.strip().lower() for w in environment.get("ADMIN_EMAILS", "").split(",") if w.strip()]
    wrong = [address for address in addresses if not _EMAIL.fullmatch(address)]
    if wrong:
        raise SettingError(f"ADMIN_EMAILS: {wrong[0]!r} is no e-mail address.")
    words = [w.strip() for w in environment.get("ADMIN_TELEGRAM_IDS", "").split(",") if w.strip()]
    if not all(word.isdecimal() for word in words):
        raise SettingError("ADMIN_TELEGRAM_IDS must be numbers separated by commas.")
    if len(words) > len(addresses):
        raise SettingError("ADMIN_TELEGRAM_IDS has more admins than ADMIN_EMAILS.")
    if len(set(words)) < len(words) or len(set(addresses)) < len(addresses):
        raise SettingError("ADMIN_EMAILS or ADMIN_TELEGRAM_IDS names an admin twice.")
    return {address: int(word) if word else None for address, word in zip_longest(addresses, words)}


def _replace(connection: psycopg.Connection, admins: Mapping[str, int | None]) -> None:
    # All ids are cleared first, so that two admins may exchange theirs.
    connection.execute("delete from public.admins where email <> all(%s)", [list(admins)])
    connection.execute("update public.admins set telegram_id = null where telegram_id is not null")
    for email, telegram_id in admins.items():
        connection.execute(
            "insert into public.admins (email, telegram_id) values (%s, %s) "
            "on conflict (email) do update set telegram_id = excluded.telegram_id",
            [email, telegram_id],
        )
