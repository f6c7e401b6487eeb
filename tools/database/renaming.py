"""Gives a migration a later time, while no environment has it.

Two branches write migrations at the same time; the one that is merged later may be older. A database that has
the newer one is past it, so it moves behind all others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import psycopg

from tools.database import (
    bookkeeping,
    connections,
    error_texts,
    identity,
    migration_files,
    released,
    states,
)
from tools.database.environments import Environment
from tools.database.errors import MigrationError, Unreachable
from tools.database.migration_files import Migration
from tools.database.output import progress


def rename(given: str, environments: Mapping[str, Environment]) -> tuple[Migration, Migration, list[str]]:
    """Rename a migration, named by its version, name or path; return it before and after.

    The third is the files that mention the old version. Raises MigrationError where an environment or main
    has it, and Unreachable where an environment cannot be asked.
    """
    old = migration_files.find(given)
    main = released.hashes(migration_files.SUPABASE) or {}
    if f"migrations/{old}.sql" in main:
        raise MigrationError(
            f"{old} is on main, so databases may have it: its time stays. Write a new migration instead."
        )
    having = [environment.name for environment in environments.values() if _has(environment, old)]
    if having:
        raise MigrationError(
            f"{' and '.join(having)} {'has' if len(having) == 1 else 'have'} {old} already: its time stays."
            " Write a new migration instead."
        )
    released_versions = [name.partition("/")[2][:14] for name in main if name.startswith("migrations/")]
    new = Migration(migration_files.next_version(released_versions), old.name, old.text)
    moved = {}
    for folder in (migration_files.MIGRATIONS, migration_files.DOWNS):
        path = folder / f"{old}.sql"
        if path.is_file():
            path.rename(folder / f"{new}.sql")
            moved[f"{folder.name}/{old}.sql"] = f"{folder.name}/{new}.sql"
    _rename_hashes(moved)
    return old, new, sorted(_mentions(old.version))


def _has(environment: Environment, migration: Migration) -> bool:
    """Whether the environment has the migration, whole or in part. Raises Unreachable and WrongDatabase."""
    if not environment.url:
        progress(f"{environment.name} is not looked at: {environment.variable} is not set.")
        return False
    try:
        with connections.connect(environment.require_url(), "rename") as connection:
            identity.require(connection, environment)
            has = [*bookkeeping.applied_versions(connection), *states.half_done(connection)]
    except psycopg.OperationalError as error:
        if environment.is_named:
            raise Unreachable(
                f"{environment.name} does not answer, so it is not known whether it has {migration}:"
                f" {error_texts.without_rows(error)}"
            ) from error
        progress(f"{environment.name} is not looked at: the emulator does not run.")
        return False
    return migration.version in has


def _rename_hashes(moved: Mapping[str, str]) -> None:
    """Move the lines of the renamed files; the others stay, so that no edit is approved along the way."""
    known = migration_files.hashes(migration_files.SUPABASE)
    if known:
        migration_files.write_hashes(
            {moved.get(name, name): digest for name, digest in known.items()}, migration_files.SUPABASE
        )


def _mentions(version: str) -> Iterable[str]:
    for folder in (migration_files.MIGRATIONS, migration_files.DOWNS):
        for path in folder.glob("*.sql"):
            if version in path.read_text(encoding="utf-8"):
                yield f"{folder.name}/{path.name}"
