"""What tools need that bring the users of another bot into the database (tools.adopt, tools.imports)."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import psycopg

from tools.database.errors import DatabaseToolError

HIGHEST_ID = (1 << 52) - 1  # of a Telegram user
EARLIEST = datetime(2013, 8, 14, tzinfo=UTC)  # no Telegram account is older
MOST_XP = 1_000_000  # what one award may give (private.award_xp)


def check_hash_key(connection: psycopg.Connection[Any], key: str) -> None:
    """Check that erased users can be recognized.

    Raises:
        DatabaseToolError: there are erased users, and USER_HASH_KEY is missing.
    """
    row = connection.execute("select exists (select from public.erased_users)").fetchone()
    if row and row[0] and not key:
        raise DatabaseToolError(
            "Users have been erased here: set USER_HASH_KEY to that of the functions, "
            "so that they do not come back."
        )


def time_zone(name: str) -> ZoneInfo:
    """Return the time zone of an option `--timezone`.

    Raises:
        DatabaseToolError: there is none of this name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise DatabaseToolError(f"There is no time zone {name!r}.") from None


def write_private(path: Path, text: str) -> None:
    """Write a file that names users, readable to its owner alone."""
    create_private(path)
    path.write_text(text, encoding="utf-8")


def create_private(path: Path) -> None:
    """Create a file that only its owner reads, or make one so that is there."""
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    path.chmod(0o600)
