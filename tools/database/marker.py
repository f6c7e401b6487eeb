"""The mark that says a database is the emulator's own: only such a one is ever emptied.

Port 54322 may be a Supabase of the owner's, so neither the port nor the name of the database proves anything.
A comment on the database survives emptying its schemas, travels with no dump and shows up in `\\l+`.
"""

import psycopg
from psycopg import sql

from tools.database.errors import NotOurs

MARKER = "switchboard emulator: may be emptied at any time"


def mark(connection: psycopg.Connection, database: str) -> None:
    """Mark a database of this cluster as the emulator's own (its owner or a superuser may)."""
    statement = sql.SQL("comment on database {} is {}")
    connection.execute(statement.format(sql.Identifier(database), sql.Literal(MARKER)))


def is_marked(connection: psycopg.Connection) -> bool:
    """Whether the connected database bears the mark."""
    row = connection.execute(
        "select shobj_description(oid, 'pg_database') from pg_database where datname = current_database()"
    ).fetchone()
    return row is not None and row[0] == MARKER


def require(connection: psycopg.Connection) -> None:
    """Raise NotOurs unless the connected database bears the mark."""
    if not is_marked(connection):
        raise NotOurs(
            f"Database {connection.info.dbname} on {connection.info.host}:{connection.info.port} does not"
            " bear the emulator's marker; it may be someone's own. Nothing was changed."
        )
