"""Describes a database from Postgres' own catalogues, so that two texts of one schema can be compared.

What is described: schemas `public` and `private` with everything in them, its owners, rights and comments,
the default rights of new objects, and the roles. What is not: dated partitions, which differ by the day
they were made; the order of columns, which a migration cannot change; who may log in. In a database fresh
from its text every row is part of that text: `rows` describes them.
"""

import difflib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg import sql

QUERY = Path(__file__).with_suffix(".sql")

# Every table with the columns of its primary key, and those columns whose value depends on when it was made.
TABLES = """
select n.nspname, c.relname,
    array(
        select a.attname::text
        from pg_index i
        join pg_attribute a on a.attrelid = c.oid and a.attnum = any (i.indkey)
        where i.indrelid = c.oid and i.indisprimary order by a.attnum
    ),
    array(
        select a.attname::text from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            and (
              a.attidentity <> '' or a.attgenerated <> ''
              or a.atttypid in ('timestamptz'::regtype, 'uuid'::regtype)
            )
    )
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where n.nspname in ('public', 'private') and c.relkind in ('r', 'p') and not c.relispartition
"""


class Key(NamedTuple):
    """What an entry is about, for instance kind "column" and name "public.users.balance"."""

    kind: str
    name: str


Catalogue = dict[Key, str]


@dataclass(frozen=True)
class Difference:
    """One thing that is present otherwise than wanted; None means it is absent.

    Between the two texts of the schema, migrations make what is present and schemas say what is wanted.
    """

    key: Key
    present: str | None
    wanted: str | None

    def __str__(self) -> str:
        kind, name = self.key
        if self.present is None:
            return f"{kind} {name}: only in schemas/: {_indented(self.wanted)}"
        if self.wanted is None:
            return f"{kind} {name}: only in migrations/: {_indented(self.present)}"
        changed = difflib.unified_diff(
            self.present.splitlines(), self.wanted.splitlines(), "migrations/", "schemas/", "", "", 1, ""
        )
        return f"{kind} {name}:" + "".join(f"\n    {line}" for line in changed)


def describe(connection: psycopg.Connection) -> Catalogue:
    """Return what the database consists of, ordered by kind and name."""
    with _without_search_path(connection):
        rows = connection.execute(QUERY.read_bytes()).fetchall()
    return {Key(kind, name): text for kind, name, text in sorted(rows)}


def rows(connection: psycopg.Connection) -> Catalogue:
    """Return the rows of an unused database, by primary key, as JSON.

    Without columns whose value follows from other columns, or from when or where the row was made (times,
    identities, uuids).
    """
    found: Catalogue = {}
    with _without_search_path(connection):
        tables = connection.execute(TABLES).fetchall()
        for schema, table, key, made in tables:
            query = sql.SQL("select to_jsonb(t) - {made}::text[] from {table} t").format(
                made=sql.Literal(made), table=sql.Identifier(schema, table)
            )
            for (row,) in connection.execute(query):
                text = json.dumps(row, ensure_ascii=False)
                named = bool(key) and all(column in row for column in key)
                values = ", ".join(str(row[column]) for column in key) if named else text
                found[Key("row", f"{schema}.{table} ({values})")] = text
    return dict(sorted(found.items()))


def lines(catalogue: Catalogue) -> list[str]:
    """Return the description as readable text, one entry each (longer ones continue indented)."""
    return [f"{kind} {name}: {_indented(text)}" for (kind, name), text in catalogue.items()]


def differences(present: Catalogue, wanted: Catalogue) -> list[Difference]:
    """Return what is not alike, ordered by kind and name."""
    keys = sorted(present.keys() | wanted.keys())
    found = (Difference(key, present.get(key), wanted.get(key)) for key in keys)
    return [difference for difference in found if difference.present != difference.wanted]


@contextmanager
def _without_search_path(connection: psycopg.Connection) -> Iterator[None]:
    """So that every name in a definition is written in full; undone afterwards, also inside a transaction."""
    with connection.transaction(force_rollback=True):
        connection.execute("set local search_path = ''")
        yield


def _indented(text: str | None) -> str:
    return (text or "").replace("\n", "\n    ")
