"""Runs the pending migrations of an environment on a scratch server, statement by statement.

The scratch server gets the history that the environment has applied, and on request the rows of a backup:
then the times are those that the environment must expect. Nothing is changed in the environment.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import psycopg

from tools.database import (
    applying,
    bookkeeping,
    catalogue,
    connections,
    contracts,
    downs,
    error_texts,
    findings,
    identity,
    migrate,
    migration_files,
    output,
    prepare,
    schema_drift,
    statements,
    states,
    syncing,
)
from tools.database.catalogue import Catalogue, Difference
from tools.database.embedded import Server
from tools.database.environments import Environment
from tools.database.errors import BackupError, DatabaseToolError
from tools.database.findings import Finding
from tools.database.migration_files import Migration
from tools.database.snapshots import Change
from tools.database.states import State
from tools.database.tracing import Trace, Tracer

FAILED = 8  # exit status: a migration failed, or does not make what the schema files make
Progress = Callable[[str], None]

ROWS = """
select n.nspname || '.' || c.relname, c.reltuples::bigint from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'm') and n.nspname in ('public', 'private') and c.reltuples > 0
"""


@dataclass(frozen=True)
class Failure:
    """The statement at which a migration failed."""

    statement: int
    sqlstate: str | None
    message: str


@dataclass(frozen=True)
class Verified:
    """What one pending migration did on the scratch server."""

    migration: Migration
    count: int  # of its statements
    trace: Trace
    findings: Sequence[Finding] = ()
    failure: Failure | None = None
    down: Sequence[Change] | None = None  # not as before after forth and back; None: no down is written

    @property
    def is_good(self) -> bool:
        """Whether it ran, nothing was found in its text, and its down leads back."""
        return not (self.failure or self.findings or self.down)


@dataclass(frozen=True)
class Report:
    """The pending migrations of an environment, and whether they make what the schema files say."""

    state: State
    backup: str | None  # the version of the backup whose rows the scratch server had
    parts: Sequence[Verified]
    differences: Sequence[Difference] | None  # None: not compared, because a migration failed
    rows: dict[str, int] = field(default_factory=dict)  # in the environment, as its statistics estimate
    notes: Sequence[str] = ()
    seconds: float = 0.0

    @property
    def exit_status(self) -> int:
        """Return 8 where something is wrong, 3 where migrations are pending and good, else 0."""
        if self.differences or not all(part.is_good for part in self.parts):
            return FAILED
        return states.PENDING if self.parts else 0


def verify(environment: Environment, from_backup: str | None, progress: Progress) -> Report:
    """Run what is pending on a scratch server. Raises DatabaseToolError and psycopg.Error."""
    begun = time.monotonic()
    with connections.connect(environment.require_url(), "verify") as connection:
        identity.require(connection, environment)
        state = states.of(connection, environment.name)
        rows = {str(name): int(count) for name, count in connection.execute(ROWS)}
    syncing.require_sound(replace(state, changes=()))
    notes = [] if findings.is_installed() else ["squawk is missing: pip install -r requirements-dev.txt"]
    if state.changes:
        notes.append(
            f"{output.counted(len(state.changes), 'change')} by hand in {environment.name}, not on the"
            f" scratch server: ./switchboard database drift --on {environment.name}"
        )
    with ThreadPoolExecutor(max_workers=1) as pool, schema_drift.scratch() as server:
        wanted = pool.submit(schema_drift.from_schemas, supabase=migration_files.SUPABASE)
        version = _build(server, state, from_backup, progress)
        parts = [_verified(server, one, with_rows=version is None) for one in state.pending]
        differences = _compare(server, parts, wanted, with_rows=version is None)
    return Report(state, version, parts, differences, rows, notes, time.monotonic() - begun)


def _build(server: Server, state: State, from_backup: str | None, progress: Progress) -> str | None:
    """Bring the scratch server to where the environment is; return the version of the backup."""
    pending = {one.version for one in state.pending}
    applied = [one.version for one in migration_files.migrations() if one.version not in pending]
    version = None
    if from_backup is not None:
        from tools.database.backups import keeping

        with keeping.fetched(from_backup) as path:
            reader = keeping.restore(
                path, keeping.secret_identity(), server.url(), server.url(user="supabase_admin"), progress
            )
        version = str(reader.header["version"])
        if not applied or version > applied[-1]:
            raise BackupError(
                f"The backup is of version {version}, and {state.environment} is at"
                f" {applied[-1] if applied else 'none'}: take one of an older version."
            )
        with connections.connect(server.url(user="supabase_admin"), "verify") as connection:
            connection.execute("analyze")
    if applied:
        migrate.sync(server.url(), to_version=applied[-1])
    return version


def _verified(server: Server, migration: Migration, *, with_rows: bool) -> Verified:
    path = migration_files.MIGRATIONS / f"{migration}.sql"
    try:
        parts = statements.read(migration)
        down = downs.read(migration)
        found = contracts.check(migration) + (findings.read(path) if findings.is_installed() else [])
    except DatabaseToolError as error:
        return Verified(migration, 0, Trace(), failure=Failure(0, None, str(error)))
    with connections.connect(server.url(), "verify") as connection:
        prepare.prepare(connection)
        before = downs.describe(connection, rows=with_rows) if down else {}
        trace, failure = _traced(connection, migration, parts)
        back = None
        if down and failure is None:
            back, failure = _there_and_back(connection, server.url(), migration, before, with_rows=with_rows)
    return Verified(migration, len(parts), trace, found, failure, back)


def _traced(
    connection: psycopg.Connection, migration: Migration, parts: list[statements.Statement]
) -> tuple[Trace, Failure | None]:
    tracer = Tracer(connection)
    try:
        if statements.is_transactional(parts):
            with connections.as_owner(connection):
                bookkeeping.prepare(connection)
                for part in parts:
                    tracer.run(part, lambda text: connection.execute(text.encode()))
                bookkeeping.record(connection, migration, [migration.text])
        else:
            for part in parts:
                tracer.run(
                    part,
                    lambda text: applying.execute_as_owner(connection, connection.execute, text.encode()),
                )
            with connections.as_owner(connection):
                bookkeeping.record(connection, migration, [part.text for part in parts])
    except psycopg.Error as error:
        return tracer.trace, _failure(error, len(tracer.trace.steps) + 1)
    return tracer.trace, None


def _there_and_back(
    connection: psycopg.Connection, url: str, migration: Migration, before: Catalogue, *, with_rows: bool
) -> tuple[list[Change] | None, Failure | None]:
    try:
        return downs.forth_and_back(connection, url, migration, before, rows=with_rows), None
    except psycopg.Error as error:
        where = " ".join(getattr(error, "__notes__", []))
        failed = _failure(error, 0)
        return None, replace(failed, message=f"{failed.message} {where}".strip())


def _failure(error: psycopg.Error, statement: int) -> Failure:
    # Without DETAIL, which may quote rows of a backup.
    return Failure(statement, error.sqlstate, error_texts.primary(error))


def _compare(
    server: Server, parts: Sequence[Verified], wanted: Future[Catalogue], *, with_rows: bool
) -> list[Difference] | None:
    """Return what the scratch server and the schema files do not have alike."""
    expected = wanted.result()
    if any(part.failure for part in parts):
        return None
    with connections.connect(server.url(), "verify") as connection:
        found = downs.describe(connection, rows=with_rows)
    if not with_rows:
        expected = {key: text for key, text in expected.items() if key.kind != "row"}
    return catalogue.differences(found, expected)
