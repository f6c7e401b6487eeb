"""The name of the environment, as it stands inside its database.

An address can be wrong: a copied variable, a wrong project. Before a command reads or changes a database, the
name in it must be the one that was asked for.
"""

import psycopg

from tools.database import marker, presence
from tools.database.environments import Environment
from tools.database.errors import WrongDatabase

TABLE = "private.database_identity"
EMULATED = "development"  # what the emulator's own database is before anything names it


def read(connection: psycopg.Connection) -> str | None:
    """Return the name in the database; None: nothing has named it yet."""
    if not presence.has_table(connection, TABLE):
        return EMULATED if marker.is_marked(connection) else None
    row = connection.execute("select environment from private.database_identity").fetchone()
    if row is None:
        return EMULATED if marker.is_marked(connection) else None
    return str(row[0])


def require(connection: psycopg.Connection, environment: Environment) -> None:
    """Raise WrongDatabase where the database bears another name, or none though it has the table for it.

    One that is older than the table is named by its next sync.
    """
    found = read(connection)
    if found == environment.name:
        return
    if found is not None:
        raise WrongDatabase(
            f"{environment.variable} leads to the database of {found!r}, not of {environment.name!r}."
            " Nothing was changed. Correct the variable, or name the environment with --on."
        )
    if presence.has_table(connection, TABLE) and not environment.rules.project:
        raise WrongDatabase(
            f"The database of {environment.name} has no name yet, and its tables are in use."
            f" If it is the right one: ./switchboard database init --on {environment.name}"
        )


def refuse_another(connection: psycopg.Connection, environment: Environment) -> None:
    """Raise WrongDatabase where the database bears the name of another environment; none is fine."""
    found = read(connection)
    if found not in (None, environment.name):
        raise WrongDatabase(
            f"{environment.variable} leads to the database of {found!r}, not of {environment.name!r}."
            " Nothing was changed. Correct the variable, or name the environment with --into."
        )


def write(connection: psycopg.Connection, environment: Environment) -> bool:
    """Name a migrated database; return whether that was new. Raises WrongDatabase for another name."""
    found = read(connection)
    if found not in (None, environment.name):
        raise WrongDatabase(f"The database is that of {found!r} already. Nothing was changed.")
    changed = connection.execute(
        "insert into private.database_identity (environment, is_protected) values (%s, %s)"
        " on conflict (only_row) do update set is_protected = excluded.is_protected"
        " where database_identity.is_protected is distinct from excluded.is_protected"
        " and database_identity.environment = excluded.environment",
        [environment.name, environment.is_protected],
    )
    return bool(changed.rowcount)
