"""Deletes the backups that are no longer kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg

from tools.database import connections, identity
from tools.database.backups import places
from tools.database.environments import Environment

if TYPE_CHECKING:
    from tools.database.payloads import BackupRules

KEPT = """
select id, taken_at, place, verified_at is not null, kept_for = 'migration' from private.backups
where deleted_at is null and stored_at is not null order by taken_at
"""


def expire(environment: Environment, now: datetime | None = None) -> list[str]:
    """Delete backups that are no longer kept and return their places.

    Kept are those of the last `keep_days`, the first of each of the last `keep_months` months, those before
    migrations for 30 days, and the newest one that was verified, whatever its age. Nothing is deleted before
    a newer one was verified. A bucket with a rule of its own deletes itself; here that is written down.
    """
    rules = environment.rules.backup
    if rules is None:
        return []
    moment = now or datetime.now(UTC)
    with connections.connect(environment.require_url(), "backup") as connection:
        identity.require(connection, environment)
        if rules.deletes_itself:
            return _gone(connection, moment - timedelta(days=rules.longest_days))
        deleted = []
        for number, address in _expired(connection, rules, moment):
            folder, _, name = address.rpartition("/")
            places.place(folder).delete(name)
            connection.execute(
                "update private.backups set deleted_at = private.clock() where id = %s", [number]
            )
            deleted.append(address)
    return deleted


def _expired(connection: psycopg.Connection, rules: BackupRules, moment: datetime) -> list[tuple[int, str]]:
    from tools.database.payloads import MIGRATION_DAYS

    rows = connection.execute(KEPT).fetchall()
    verified = max((taken for _, taken, _, is_verified, _ in rows if is_verified), default=None)
    months: set[str] = set()
    found = []
    for number, taken, address, _, is_migration in rows:
        if is_migration:
            is_kept = taken > moment - timedelta(days=MIGRATION_DAYS)
        else:
            month = f"{taken.astimezone(UTC):%Y-%m}"
            is_monthly = month not in months and taken > moment - timedelta(days=31 * rules.keep_months)
            months.add(month)
            is_kept = is_monthly or taken > moment - timedelta(days=rules.keep_days)
        if not is_kept and verified is not None and taken < verified:
            found.append((number, address))
    return found


def _gone(connection: psycopg.Connection, until: datetime) -> list[str]:
    rows = connection.execute(
        "update private.backups set deleted_at = private.clock()"
        " where deleted_at is null and taken_at < %s returning place",
        [until],
    )
    return [place for (place,) in rows]
