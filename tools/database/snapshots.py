"""What a database consisted of at the end of the last run; what differs from it now was changed by hand.

Roles of the platform and what they may do with new objects are left out: Supabase changes them itself.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.types.json import Jsonb

from tools.database import catalogue, presence, surroundings
from tools.database.catalogue import Catalogue, Key

KEPT = 5
ROLES = ("bot_backend",)  # made by our migrations
SINCE = """
select exists (
    select from private.migration_steps s where s.started_at > %s and (
        s.outcome = 'done' or s.version in (select m.version from supabase_migrations.schema_migrations m)
    )
)
"""
_SEPARATOR = "\x1f"


@dataclass(frozen=True)
class Snapshot:
    """A description of the whole database at one version."""

    taken_at: datetime
    version: str
    catalogue: Catalogue


@dataclass(frozen=True)
class Change:
    """One thing that was changed by hand; None: it is absent."""

    key: Key
    recorded: str | None
    found: str | None

    @property
    def name(self) -> str:
        """Return what --despite-drift takes: "index public.users_tmp"."""
        return shown(self.key)

    def __str__(self) -> str:
        if self.recorded is None:
            return f"added    {self.name}"
        if self.found is None:
            return f"missing  {self.name}"
        return f"changed  {self.name}"

    def lines(self, before: str = "was", now: str = "is") -> list[str]:
        """Return the change with both texts, for a reader."""
        width = max(len(before), len(now))
        texts = ((before, self.recorded), (now, self.found))
        return [
            str(self),
            *(f"  {word:<{width}} {line}" for word, text in texts if text for line in _short(text)),
        ]


def describe(connection: psycopg.Connection) -> Catalogue:
    """Return what the database consists of, without what the platform may change."""
    return {key: text for key, text in catalogue.describe(connection).items() if _is_ours(key)}


def shown(key: Key) -> str:
    """Return a key in one line without control characters: a name may have a line break."""
    return escaped(f"{key.kind} {key.name}")


def escaped(text: str, kept: str = "") -> str:
    """Return a text with control characters, other than those of `kept`, as escapes."""
    return "".join(
        sign if sign.isprintable() or sign in kept else sign.encode("unicode_escape").decode()
        for sign in text
    )


def found(connection: psycopg.Connection, snapshot: Snapshot) -> Catalogue:
    """Return what can be compared with a snapshot: with the surroundings, where it has them."""
    described = describe(connection)
    if surroundings.RECORDED in snapshot.catalogue:
        described |= surroundings.describe(connection)
    return described


def digest(described: Catalogue) -> str:
    """Return a hash of a description."""
    return hashlib.sha256(json.dumps(_flat(described), sort_keys=True).encode()).hexdigest()


def take(connection: psycopg.Connection, version: str) -> str:
    """Keep what the database consists of now, and return its hash; only the newest few are kept."""
    described = describe(connection) | surroundings.describe(connection)
    hashed = digest(described)
    with connection.transaction():
        connection.execute(
            "insert into private.catalogue_snapshots (version, hash, entries) values (%s, %s, %s)",
            [version, hashed, Jsonb(_flat(described))],
        )
        if presence.has_function(connection, "private.catalogue_fingerprint"):  # it came later than the table
            connection.execute(
                "update private.catalogue_snapshots set fingerprint = private.catalogue_fingerprint()"
                " where id = (select max(id) from private.catalogue_snapshots)"
            )
        connection.execute(
            "delete from private.catalogue_snapshots where id <="
            " (select id from private.catalogue_snapshots order by id desc offset %s limit 1)",
            [KEPT],
        )
    return hashed


def newest(connection: psycopg.Connection) -> Snapshot | None:
    """Return the newest snapshot; None before the first run that kept one."""
    if not presence.has_table(connection, "private.catalogue_snapshots"):
        return None
    row = connection.execute(
        "select taken_at, version, entries from private.catalogue_snapshots order by id desc limit 1"
    ).fetchone()
    if row is None:
        return None
    entries = {Key(*key.split(_SEPARATOR, 1)): text for key, text in row[2].items()}
    return Snapshot(row[0], row[1], entries)


def changes(connection: psycopg.Connection) -> list[Change] | None:
    """Return what differs from the newest snapshot; None where there is none to compare with."""
    snapshot = newest(connection)
    if snapshot is None or not is_current(connection):
        return None
    return compare(snapshot.catalogue, found(connection, snapshot))


def is_current(connection: psycopg.Connection) -> bool:
    """Whether there is a snapshot, and no migration was applied by our tool since then.

    One was where a run failed or died between its migrations or before its end.
    """
    snapshot = newest(connection)
    if snapshot is None:
        return False
    row = connection.execute(SINCE, [snapshot.taken_at]).fetchone()
    return not (row and row[0])


def compare(recorded: Catalogue, found: Catalogue) -> list[Change]:
    """Return what is not alike, ordered by kind and name."""
    keys = sorted(recorded.keys() | found.keys())
    return [
        Change(key, recorded.get(key), found.get(key)) for key in keys if recorded.get(key) != found.get(key)
    ]


def _is_ours(key: Key) -> bool:
    if key.kind == "role":
        return key.name in ROLES
    return not (key.kind == "rights" and key.name.startswith("new "))


def _flat(described: Catalogue) -> dict[str, str]:
    return {_SEPARATOR.join(key): text for key, text in described.items()}


def _short(text: str, most: int = 12) -> list[str]:
    lines = escaped(text, "\n\t").split("\n")
    return lines if len(lines) <= most else [*lines[:most], f"… {len(lines) - most} more lines"]
