"""How an environment stands.

What `status` shows, and what every command checks before it changes anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

import psycopg

from tools.database import (
    bookkeeping,
    connections,
    error_texts,
    identity,
    migrate,
    migration_files,
    presence,
    snapshots,
)
from tools.database.environments import Environment
from tools.database.errors import DatabaseToolError
from tools.database.migration_files import Migration
from tools.database.snapshots import Change

PENDING, EDITED, DRIFTED, HALF_DONE, UNREACHABLE = 3, 4, 5, 6, 7  # exit statuses of `status`


@dataclass(frozen=True)
class LastRun:
    """The newest run that the database remembers."""

    kind: str
    at: datetime
    outcome: str
    milliseconds: int | None
    actor: str


@dataclass(frozen=True)
class State:
    """One environment as it was read; `problem` says why nothing else is known."""

    environment: str
    problem: str = ""
    unreachable: bool = False
    version: str | None = None
    pending: Sequence[Migration] = ()
    late: Sequence[Migration] = ()  # of the pending: older than the newest applied one
    edited: Sequence[Migration] = ()
    unknown: Sequence[str] = ()
    half_done: Sequence[str] = ()
    changes: Sequence[Change] | None = None
    last_run: LastRun | None = None
    server: str = ""

    @property
    def exit_status(self) -> int:
        """Return the status that `status` ends with for this environment alone."""
        if self.unreachable:
            return UNREACHABLE
        if self.problem:
            return 1
        if self.half_done:
            return HALF_DONE
        if self.edited or self.unknown:
            return EDITED
        if self.changes:
            return DRIFTED
        return PENDING if self.pending else 0


def read_all(environments: Sequence[Environment]) -> list[State]:
    """Read several environments at the same time."""
    with ThreadPoolExecutor(max_workers=max(len(environments), 1)) as pool:
        return list(pool.map(read, environments))


def read(environment: Environment) -> State:
    """Read one environment; an error becomes its `problem`."""
    try:
        with connections.connect(environment.require_url(), "status") as connection:
            identity.require(connection, environment)
            return of(connection, environment.name)
    except DatabaseToolError as error:
        return State(environment.name, problem=str(error), unreachable=error.exit_status == UNREACHABLE)
    except psycopg.Error as error:
        problem = f"Postgres: {error_texts.without_rows(error)}"
        return State(environment.name, problem=problem, unreachable=error_texts.is_unreachable(error))


def of(connection: psycopg.Connection, name: str) -> State:
    """Return how the database of a connection stands."""
    known = migration_files.migrations()
    applied = bookkeeping.applied_versions(connection)
    names = {migration.version: str(migration) for migration in known}
    return State(
        name,
        version=names.get(applied[-1], applied[-1]) if applied else None,
        pending=[migration for migration in known if migration.version not in applied],
        late=[one for one in known if applied and one.version < applied[-1] and one.version not in applied],
        edited=migrate.changed(connection) if applied else [],
        unknown=sorted(set(applied) - set(names)),
        half_done=half_done(connection),
        changes=snapshots.changes(connection) if applied else [],
        last_run=_last_run(connection),
        server=str(connection.info.parameter_status("server_version")).split(" ", maxsplit=1)[0],
    )


def half_done(connection: psycopg.Connection) -> list[str]:
    """Return the versions whose statements were begun and not all finished."""
    if not has_runs(connection):
        return []
    rows = connection.execute(
        "select distinct s.version from private.migration_steps s where s.statement is not null"
        " and not exists (select from private.migration_steps a join private.migration_runs r on r.id = a.run"
        " where a.version = s.version and a.id > s.id"
        " and (a.outcome = 'abandoned' or r.kind = 'rollback' and a.outcome = 'done'))"
        " and not exists (select from supabase_migrations.schema_migrations m where m.version = s.version)"
        " order by 1"
    )
    return [str(version) for (version,) in rows]


def _last_run(connection: psycopg.Connection) -> LastRun | None:
    if not has_runs(connection):
        return None
    row = connection.execute(
        "select kind, started_at, outcome, round(extract(epoch from finished_at - started_at)"
        " * 1000)::bigint, actor from private.migration_runs order by id desc limit 1"
    ).fetchone()
    return LastRun(*row) if row else None


def has_runs(connection: psycopg.Connection) -> bool:
    """Whether the database has the tables that remember runs."""
    return presence.has_table(connection, "private.migration_runs")
