"""Brings one environment to the newest migration: checks, confirmation, applying, remembering.

Everything that can be wrong is found before anything changes. What was applied before a failing migration
stays and is remembered; the same command goes on from there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from tools.database import (
    behind,
    bookkeeping,
    connections,
    contracts,
    identity,
    migrate,
    migration_files,
    plans,
    snapshots,
    states,
    windows,
)
from tools.database.backups import preceding
from tools.database.environments import Environment
from tools.database.errors import (
    Drifted,
    Edited,
    HalfDone,
    MigrationError,
    NotConfirmed,
    Unreachable,
    WrongDatabase,
)
from tools.database.migration_files import Migration
from tools.database.output import progress
from tools.database.plans import Plan
from tools.database.runs import Run
from tools.database.states import State


@dataclass(frozen=True)
class Options:
    """What a caller of `sync` decided."""

    to_version: str | None = None
    password: str | None = None  # of role bot_backend
    confirm: str | None = None
    plan: str | None = None
    despite_drift: Sequence[str] = ()
    without_backup: str | None = None  # the reason
    outside_window: bool = False


def sync(
    environment: Environment, environments: Mapping[str, Environment], options: Options
) -> list[Migration]:
    """Apply what is missing and return it. Raises DatabaseToolError and psycopg.Error."""
    url = environment.require_url()
    if options.to_version not in (None, *(one.version for one in migration_files.migrations())):
        raise MigrationError(f"There is no migration {options.to_version} in supabase/migrations.")
    with connections.connect(url, "sync") as connection:
        identity.require(connection, environment)
        state = states.of(connection, environment.name)
        require_sound(state, options.despite_drift)
        plan = plans.make(environment, state, options.to_version)
        if plan.parts:
            _require_applied_before(environment, environments, plan)
            contracts.require_unused(plan)
            if not options.outside_window:
                windows.require(connection, plan, datetime.now(UTC))
            preceding.require(environment, state, options.without_backup)
            confirm(plan, options)
        with recorded(connection, url, "sync", state.version, plan.hash) as run:
            if plan.parts:
                preceding.take(environment, state, run, options.without_backup)
            applied = migrate.sync(
                url, options.password, run=run, to_version=options.to_version, progress=progress
            )
            finish(connection, environment, bool(applied))
            if options.to_version is None:
                behind.write(connection, False)
        return applied


def require_sound(state: State, despite: Iterable[str] = ()) -> None:
    """Raise Edited, HalfDone or Drifted unless the database is what its history says."""
    on = f"--on {state.environment}"
    if state.half_done:
        raise HalfDone(
            f"{', '.join(state.half_done)} stopped between its statements: ./switchboard database resume {on}"
            f" continues, `abandon {on}` takes it back."
        )
    if state.unknown:
        raise Edited(
            "The database has migrations that are not in supabase/migrations: "
            f"{', '.join(state.unknown)}. Update the code first; if they are ours under other numbers,"
            f" ./switchboard database adopt {on}"
        )
    if state.edited:
        raise Edited(
            f"Applied migrations were edited: {', '.join(str(one) for one in state.edited)}. A database never"
            " applies them again. Take the edit back (git), and write a new migration. Differences:"
            f" ./switchboard database status {on} --verbose"
        )
    unexpected = [change for change in state.changes or () if change.name not in set(despite)]
    if unexpected:
        raise Drifted(
            f"{state.environment} was changed by hand since the last run:\n"
            + "\n".join(f"  {change}" for change in unexpected)
            + f"\nLook at it with ./switchboard database drift {on}. To go on in spite of one:"
            f' --despite-drift "{unexpected[0].name}"'
        )


def confirm(plan: Plan, options: Options) -> None:
    """Raise NotConfirmed unless the change of a protected environment was allowed.

    On a terminal its name is typed. Elsewhere both the name and the hash of the reviewed plan are given.
    """
    environment = plan.environment
    if options.plan not in (None, plans.CURRENT, plan.hash):
        raise NotConfirmed(
            f"The plan is {plan.hash} by now, not {options.plan}: review it again"
            f" (./switchboard database plan --on {environment.name})."
        )
    if not environment.is_protected:
        return
    if options.confirm is not None:
        if options.confirm != environment.name:
            raise NotConfirmed(
                f"--confirm says {options.confirm!r}, the environment is {environment.name!r}."
            )
        if options.plan is None:
            raise NotConfirmed(
                f"--confirm needs the plan that was reviewed as well: --plan {plan.hash}"
                f" (./switchboard database plan --on {environment.name} shows it)."
            )
        return
    if not sys.stdin.isatty():
        raise NotConfirmed(
            f"{environment.name} is protected: --confirm {environment.name} --plan {plan.hash} (./switchboard"
            f" database plan --on {environment.name} shows the plan)."
        )
    print(*plans.lines(plan), sep="\n")
    if ask_for_name(environment) != environment.name:
        raise NotConfirmed("That is not its name. Nothing was changed.")


def require_name(environment: Environment, confirmed: str | None) -> None:
    """Raise NotConfirmed unless a protected environment was confirmed by its name, given or typed."""
    if not environment.is_protected:
        return
    if confirmed is None and not sys.stdin.isatty():
        raise NotConfirmed(f"{environment.name} is protected: --confirm {environment.name}")
    given = ask_for_name(environment) if confirmed is None else confirmed
    if given != environment.name:
        raise NotConfirmed(f"{given!r} is not the name of {environment.name!r}. Nothing was changed.")


def ask_for_name(environment: Environment, read: Callable[[str], str] = input) -> str:
    """Ask on the terminal for the name of a protected environment."""
    try:
        return read("Type the name of the environment to apply: ").strip()
    except EOFError:
        return ""


@contextmanager
def recorded(
    connection: psycopg.Connection, url: str, kind: str, version: str | None, plan: str | None = None
) -> Iterator[Run]:
    """Remember a run on a connection of its own, however it ends."""
    with connections.connect(url, f"{kind} records") as records:
        run = Run(records, kind, connection)
        run.open(version, plan)
        try:
            yield run
        except Exception as error:
            if not records.closed:
                run.close(_version(records), error)
            raise
        run.close(_version(connection))


def finish(connection: psycopg.Connection, environment: Environment, is_changed: bool) -> None:
    """Name the database where it has no name, and keep what it consists of, where it has the tables."""
    if not states.has_runs(connection):
        return
    identity.write(connection, environment)
    if is_changed or not snapshots.is_current(connection):
        snapshots.take(connection, _version(connection) or "")


def _require_applied_before(
    environment: Environment, environments: Mapping[str, Environment], plan: Plan
) -> None:
    """Raise WrongDatabase where a migration of the plan is missing in the environment that comes before."""
    before = environments.get(environment.rules.after or "")
    if before is None:
        return
    if not before.is_named:
        progress(f"{before.name} is not looked at: {before.variable} is not set.")
        return
    state = states.read(before)
    if state.unreachable:
        raise Unreachable(f"{before.name}, which comes before {environment.name}: {state.problem}")
    if state.problem:
        raise WrongDatabase(f"{before.name}: {state.problem}")
    missing = {str(one) for one in state.pending} & {str(part.migration) for part in plan.parts}
    if missing:
        raise WrongDatabase(
            f"{before.name} comes before {environment.name} and lacks {_named(missing)}:"
            f" ./switchboard database sync --on {before.name}"
        )


def _named(names: set[str]) -> str:
    first, *others = sorted(names)
    return first if not others else f"{first} and {len(others)} more"


def _version(connection: psycopg.Connection) -> str | None:
    applied = bookkeeping.applied_versions(connection)
    return applied[-1] if applied else None
