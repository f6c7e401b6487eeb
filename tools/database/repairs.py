"""Mends the history of a database.

Names it, takes over foreign records, continues or forgets half a migration.
"""

from __future__ import annotations

import psycopg

from tools.database import (
    applying,
    bookkeeping,
    connections,
    identity,
    migration_files,
    plans,
    snapshots,
    statements,
    states,
    syncing,
)
from tools.database.environments import Environment
from tools.database.errors import DatabaseToolError, MigrationError, StatementError, WrongDatabase
from tools.database.migration_files import Migration
from tools.database.output import progress
from tools.database.runs import Run


def init(environment: Environment, baseline: str | None = None) -> bool:
    """Name a database, and with `baseline` record the migrations up to it as applied; return whether
    anything changed.

    Raises MigrationError where the database is not what the migrations up to the baseline make.
    """
    url = environment.require_url()
    with connections.connect(url, "init") as connection:
        named = identity.read(connection)
        if named not in (None, environment.name):
            raise WrongDatabase(
                f"{environment.variable} leads to the database of {named!r}, not of {environment.name!r}."
                " Nothing was changed."
            )
        if baseline is not None:
            _baseline(connection, baseline)
        applied = bookkeeping.applied_versions(connection)
        if not applied:
            raise DatabaseToolError(
                f"The database of {environment.name} is empty: ./switchboard database sync --on"
                f" {environment.name}"
                " makes and names it."
            )
        if not states.has_runs(connection):
            raise DatabaseToolError(
                "The database is older than this command; its next sync names it: ./switchboard database sync"
                f" --on {environment.name}"
            )
        with syncing.recorded(connection, url, "init", applied[-1]):
            identity.write(connection, environment)
            if snapshots.newest(connection) is None:
                snapshots.take(connection, applied[-1])
        return named != environment.name or baseline is not None


def adopt(environment: Environment) -> list[tuple[str, Migration]]:
    """Give records of another program the versions of our files with the same content; return what was
    renamed.

    Studio and other programs record a migration under the time at which they applied it.
    """
    url = environment.require_url()
    with connections.connect(url, "adopt") as connection:
        identity.require(connection, environment)
        known = migration_files.migrations()
        applied = bookkeeping.applied_versions(connection)
        foreign = [version for version in applied if version not in {one.version for one in known}]
        free = {statements.checksum(one.text): one for one in known if one.version not in applied}
        renamed = []
        for version in foreign:
            row = connection.execute(
                "select array_to_string(statements, E';\\n') from supabase_migrations.schema_migrations"
                " where version = %s",
                [version],
            ).fetchone()
            migration = free.pop(_checksum(row[0] if row else None), None)
            if migration is not None:
                renamed.append((version, migration))
        left = sorted(set(foreign) - {version for version, _ in renamed})
        if left:
            raise MigrationError(
                f"No file of supabase/migrations does what {', '.join(left)} did. Nothing was renamed:"
                " update the code, or write that change as a migration."
            )
        if renamed:
            with syncing.recorded(connection, url, "adopt", applied[-1]), connection.transaction():
                for version, migration in renamed:
                    connection.execute(
                        "update supabase_migrations.schema_migrations set version = %s, name = %s where"
                        " version = %s",
                        [migration.version, migration.name, version],
                    )
        return renamed


def resume(environment: Environment, confirmed: str | None) -> list[Migration]:
    """Continue the migrations that stopped between their statements; return those that are complete now."""
    url = environment.require_url()
    with connections.connect(url, "resume") as connection:
        identity.require(connection, environment)
        known = {one.version: one for one in migration_files.migrations()}
        versions = _stopped(connection, environment, known)
        _confirm(environment, confirmed)
        with syncing.recorded(connection, url, "resume", versions[0]) as run:
            apply = applying.Applying(connection, url, list(known.values()), run, progress)
            done = [known[version] for version in versions if apply(known[version])]
            syncing.finish(connection, environment, True)
        return done


def abandon(environment: Environment, confirmed: str | None) -> list[str]:
    """Forget the migrations that stopped between their statements, drop invalid indexes, say what stays."""
    url = environment.require_url()
    with connections.connect(url, "abandon") as connection:
        identity.require(connection, environment)
        known = {one.version: one for one in migration_files.migrations()}
        versions = _stopped(connection, environment, known)
        _confirm(environment, confirmed)
        said = []
        with syncing.recorded(connection, url, "abandon", versions[0]) as run:
            for version in versions:
                said += _forget(connection, run, known[version])
            syncing.finish(connection, environment, True)
        return said


def _forget(connection: psycopg.Connection, run: Run, migration: Migration) -> list[str]:
    parts = statements.read(migration)
    dropped = applying.drop_invalid(connection, [part.index for part in parts if part.index])
    rows = connection.execute(
        "select distinct statement from private.migration_steps where version = %s and outcome = 'done'"
        " and statement is not null order by 1",
        [migration.version],
    ).fetchall()
    connection.execute(
        "insert into private.migration_steps (run, version, checksum, statements, outcome)"
        " values (%s, %s, %s, %s, 'abandoned')",
        [run.id, migration.version, statements.checksum(migration.text), len(parts)],
    )
    stays = [parts[number - 1].text.strip() for (number,) in rows if number <= len(parts)]
    return [
        f"{migration} is forgotten.",
        *(f"dropped the invalid index {name}" for name in dropped),
        *(f"stays in the database: {text}" for text in stays),
    ]


def _stopped(
    connection: psycopg.Connection, environment: Environment, known: dict[str, Migration]
) -> list[str]:
    versions = states.half_done(connection)
    if not versions:
        raise DatabaseToolError(f"{environment.name}: no migration stopped between its statements.")
    missing = [version for version in versions if version not in known]
    if missing:
        raise MigrationError(
            f"The file of {', '.join(missing)} is not in supabase/migrations: update the code."
        )
    return versions


def _confirm(environment: Environment, confirmed: str | None) -> None:
    state = states.State(environment.name)
    plan = plans.make(environment, state)
    syncing.confirm(plan, syncing.Options(confirm=confirmed, plan=plans.CURRENT))


def _baseline(connection: psycopg.Connection, baseline: str) -> None:
    """Record the migrations up to `baseline` as applied where the database is what they make."""
    from tools.database import rebuilding  # needs a Postgres of its own

    known = migration_files.migrations()
    if baseline not in {one.version for one in known}:
        raise MigrationError(f"There is no migration {baseline} in supabase/migrations.")
    upto = [one for one in known if one.version <= baseline]
    if bookkeeping.applied_versions(connection):
        raise MigrationError("The database has a history already; a baseline is for one that has none.")
    differences = rebuilding.differences(connection, upto)
    if differences:
        raise MigrationError(
            f"The database is not what the migrations up to {baseline} make:\n"
            + "\n".join(f"  {one}" for one in differences[:20])
            + (f"\n  … {len(differences) - 20} more" if len(differences) > 20 else "")
        )
    with connections.as_owner(connection):
        bookkeeping.prepare(connection)
        for one in upto:
            bookkeeping.record(connection, one, [one.text])


def _checksum(text: str | None) -> str:
    try:
        return statements.checksum(text or "")
    except StatementError:
        return ""
