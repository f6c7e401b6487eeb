"""Writes the next migration: what turns the database of supabase/migrations into that of supabase/schemas.

A new table or a changed function enters it as the whole text of its schema file, so that the comments travel
along and a function never loses its settings. Every step is run on a real database while it is written, and
what is still different then, the next step sees.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tools.database import catalogue, connections, ddl, migrate, migration_files, schema_drift, schemas
from tools.database.catalogue import Catalogue, Difference, Key
from tools.database.errors import MigrationError
from tools.database.migration_files import SUPABASE

MAKES = re.compile(
    r"^\s*create\s+(?P<replace>or\s+replace\s+)?(?:unlogged\s+)?"
    r"(?P<kind>table|function|schema|type|domain|role|sequence|view)\s+(?P<if>if\s+not\s+exists\s+)?(?P<name>[\w.]+)",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True)
class Written:
    """The new migration, and the differences it does not cover, which must be added by hand."""

    path: Path
    leftover: list[Difference]


def write(name: str, supabase: Path = SUPABASE) -> Written | None:
    """Write supabase/migrations/<now>_<name>.sql and return it; None when there is nothing to write.

    Raises MigrationError for a bad name, or with the statement that the database refused.
    """
    migration_files.require_name(name)
    wanted = schema_drift.from_schemas(supabase=supabase)
    with schema_drift.scratch() as server:
        migrate.sync(server.url(), folder=supabase / "migrations")
        with connections.connect(server.url()) as connection:
            if not _differences(connection, wanted):
                return None
            parts = _parts(connection, wanted, supabase)
    version = migration_files.next_version(folder=supabase / "migrations")
    path = supabase / "migrations" / f"{version}_{name}.sql"
    path.parent.mkdir(exist_ok=True)
    reason = name.replace("_", " ").capitalize()
    path.write_text("\n\n".join([f"-- {reason}.", *parts]) + "\n", encoding="utf-8")
    if migration_files.hashes(supabase):
        migration_files.freeze(supabase)
    return Written(path, catalogue.differences(schema_drift.from_migrations(supabase=supabase), wanted))


def _parts(connection: psycopg.Connection, wanted: Catalogue, supabase: Path) -> list[str]:
    """Return the statements, each of which has been run; every step sees the result of the one before."""
    files = schemas.files(supabase)
    steps: tuple[Callable[[list[Difference]], Iterable[str]], ...] = (
        ddl.removals,
        lambda differences: ddl.columns(differences, wanted),
        lambda differences: _texts(differences, catalogue.describe(connection), files),
        ddl.changes,
    )
    parts = []
    for step in steps:
        parts += _run(connection, step(_differences(connection, wanted)))
    return parts


def _run(connection: psycopg.Connection, statements: Iterable[str]) -> list[str]:
    """Run the statements and return them; a row that refers to a later one comes after it."""
    done, waiting = [], list(statements)
    while waiting:
        early = []
        for statement in waiting:
            try:
                _try(connection, statement)
                done.append(statement)
            except MigrationError as error:
                if not isinstance(error.__cause__, psycopg.errors.ForeignKeyViolation):
                    raise
                early.append((statement, error))
        if len(early) == len(waiting):
            raise early[0][1]
        waiting = [statement for statement, _ in early]
    return done


def _differences(connection: psycopg.Connection, wanted: Catalogue) -> list[Difference]:
    return catalogue.differences(catalogue.describe(connection) | catalogue.rows(connection), wanted)


def _try(connection: psycopg.Connection, statement: str) -> None:
    try:
        with connections.as_owner(connection):
            connection.execute(statement.encode())
    except psycopg.Error as error:
        raise MigrationError(
            f"Postgres refused a statement of the new migration ({str(error).strip()}):\n{statement}\n"
            "Nothing was written. Write this migration by hand: `touch` its file and compare with `check`."
        ) from error


def _texts(differences: list[Difference], present: Catalogue, files: list[Path]) -> Iterable[str]:
    """Return the whole files that make something new or changed, in their order."""
    pending = {d.key: d.wanted for d in differences if d.wanted is not None}
    for path in files:
        text = path.read_text(encoding="utf-8").strip()
        made = [key for match in MAKES.finditer(text) for key in _keys(match, pending)]
        if made and not any(_in_the_way(match, present) for match in MAKES.finditer(text)):
            for key in made:
                pending.pop(key, None)
            yield text
    for key, description in pending.items():
        if key.kind == "function":  # it shares its file with something that is there already
            yield description.rpartition("\nowner ")[0] + ";"


def _keys(match: re.Match[str], pending: Iterable[Key]) -> list[Key]:
    kind, name = _named(match)
    return [key for key in pending if key.kind == kind and key.name.partition("(")[0] == name]


def _in_the_way(match: re.Match[str], present: Catalogue) -> bool:
    """Whether this `create` would fail because the thing exists."""
    kind, name = _named(match)
    repeatable = match["replace"] or match["if"] or kind in ("role", "function")
    return not repeatable and Key(kind, name) in present


def _named(match: re.Match[str]) -> tuple[str, str]:
    kind = match["kind"].lower()
    return "type" if kind == "domain" else kind, match["name"].lower()
