"""Commands on environments.

init, doctor, health, report, status, plan, sync, drift, history, adopt, resume, abandon.
"""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from shared.core.setting_values import SHORTEST_SECRET
from tools.database import (
    addresses,
    behind,
    connections,
    environments,
    histories,
    identity,
    migration_files,
    plans,
    prepare,
    repairs,
    snapshots,
    states,
    syncing,
)
from tools.database import doctor as checks
from tools.database import health as health_figures
from tools.database.catalogue import Catalogue
from tools.database.environments import Environment
from tools.database.errors import DatabaseToolError
from tools.database.output import coloured, counted, print_json, progress, size, table
from tools.database.snapshots import Change, Snapshot
from tools.database.states import State

if TYPE_CHECKING:
    from tools.database.drafts import Drafts

MOST = 8  # pending migrations that are listed


def init(arguments: argparse.Namespace) -> int:
    """Name a database that is in use already; --baseline V says that it has everything up to V."""
    environment = _one(arguments)
    changed = repairs.init(environment, arguments.baseline)
    print(f"The database {'is' if changed else 'was already'} {environment.name}.")
    return 0


def status(arguments: argparse.Namespace) -> int:
    """Show all environments side by side; --record writes into each whether migrations are missing in it.

    Exit status 0 equal, 3 pending, 4 edited, 5 drift, 6 half done, 7 unreachable.
    """
    known = environments.read()
    chosen = [environments.choose(arguments.on, known)] if arguments.on else list(known.values())
    found = states.read_all(chosen)
    if arguments.record:
        behind.record(known, {state.environment: state for state in found})
    if arguments.json:
        print_json({state.environment: _as_json(state) for state in found})
    else:
        print(*_columns(found), sep="\n")
        remarks = [line for state in found for line in _remarks(state, arguments.verbose)]
        print(*_pending(found), *remarks, sep="\n", end="\n" if remarks or _pending(found) else "")
    return max((state.exit_status for state in found), default=0)


def plan(arguments: argparse.Namespace) -> int:
    """Show what sync would apply, with the hash that --plan takes; exit status 3 when there is something."""
    environment = _one(arguments)
    state = states.read(environment)
    if state.problem:
        print(f"{environment.name}: {state.problem}")
        return state.exit_status
    made = plans.make(environment, state)
    if arguments.json:
        print_json({
            "environment": environment.name, "version": made.version, "hash": made.hash,
            "migrations": [
                {"name": str(part.migration), "statements": part.statements, "alone": list(part.alone)}
                for part in made.parts
            ],
        })  # fmt: skip
    else:
        print(*plans.lines(made), sep="\n")
    return states.PENDING if made.parts else 0


def sync(arguments: argparse.Namespace) -> int:
    """Bring an environment to the newest migration: development, --on NAME, or --all in their order."""
    password = os.environ.get("BOT_BACKEND_PASSWORD")
    if password and len(password) < SHORTEST_SECRET:
        raise DatabaseToolError(f"BOT_BACKEND_PASSWORD must be {SHORTEST_SECRET} characters or more.")
    known = environments.read()
    chosen = environments.in_order(known) if arguments.all else [environments.choose(arguments.on, known)]
    for environment in chosen:
        options = syncing.Options(
            arguments.to, password, arguments.confirm, arguments.plan, tuple(arguments.despite_drift),
            arguments.without_backup, arguments.outside_window,
        )  # fmt: skip
        try:
            applied = syncing.sync(environment, known, options)
        except (DatabaseToolError, psycopg.Error) as error:
            if arguments.all:
                error.add_note(f"Stopped at {environment.name}; nothing after it was touched.")
            raise
        for migration in applied:
            print(f"applied {migration}")
        # A database that is past --to stays where it is.
        reached = f"is at {arguments.to}" if applied else f"has everything up to {arguments.to}"
        where = reached if arguments.to else "is at the newest migration"
        print(f"{environment.name}: {len(applied)} applied; the database {where}.")
    if not password:
        print("BOT_BACKEND_PASSWORD is not set: the password of role bot_backend stays as it is.")
    following = [one.name for one in known.values() if one.rules.after == chosen[-1].name]
    if following and not arguments.all:
        print(f"Next: ./switchboard database sync --on {following[0]}")
    return 0


def drift(arguments: argparse.Namespace) -> int:
    """Show what was changed by hand since the last run; --against NAME compares two environments.

    --write NAME writes it as a migration, --undo prints what takes it back.
    """
    environment = _one(arguments)
    snapshot: Snapshot | None = None
    found: Catalogue = {}
    owner = ""
    if arguments.against:
        if arguments.write or arguments.undo:
            raise DatabaseToolError("--write and --undo are for changes by hand, without --against.")
        other = environments.choose(arguments.against, environments.read())
        changes, absent, labels = histories.compare(environment, other), "", (other.name, environment.name)
    else:
        with connections.connect(environment.require_url(), "drift") as connection:
            identity.require(connection, environment)
            snapshot = snapshots.newest(connection) if snapshots.is_current(connection) else None
            found = snapshots.found(connection, snapshot) if snapshot else {}
            changes = snapshots.compare(snapshot.catalogue, found) if snapshot else []
            owner = prepare.owner(connection)
            absent = "" if snapshot else " No run has kept what it consists of yet."
            labels = ("was", "is")
    if arguments.json:
        print_json([{"name": one.name, "was": one.recorded, "is": one.found} for one in changes])
    else:
        show = progress if arguments.undo else print
        for change in changes:
            show("\n".join(change.lines(*labels)))
        show(f"{counted(len(changes), 'difference')}.{absent}")
    if changes and snapshot and (arguments.write or arguments.undo):
        from tools.database import drafts  # needs a Postgres of its own

        made = drafts.make(snapshot.catalogue, found, snapshot.version, owner)
        _draft(arguments, environment, changes, made)
    return states.DRIFTED if changes else 0


def _draft(
    arguments: argparse.Namespace, environment: Environment, changes: list[Change], made: Drafts
) -> None:
    """Write the changes as a migration, or print what undoes them; name what neither covers."""
    if arguments.undo:
        print(*made.undo.statements, sep="\n")
        for name in made.undo.left:
            progress(f"Not undone: {name}")
    if arguments.write:
        from tools.database import drafts

        path = drafts.save(made.adopt, arguments.write, environment.name, changes)
        show = progress if arguments.json or arguments.undo else print
        show(f"Written: {path.relative_to(migration_files.SUPABASE.parent)}")
        for name in made.adopt.left:
            show(f"Not written: {name}")
        entries = " ".join(
            f"--despite-drift {shlex.quote(one.name)}" for one in changes if one.name not in made.adopt.left
        )
        show(
            "Read it, and write it into supabase/schemas as well (./switchboard database check). It runs also"
        )
        show(f"where the change is: ./switchboard database sync --on {environment.name} {entries}")


def history(arguments: argparse.Namespace) -> int:
    """Show the runs that a database remembers, the newest first."""
    environment = _one(arguments)
    rows = histories.runs(environment, arguments.limit)
    if arguments.json:
        print_json(rows)
    else:
        print(*histories.lines(rows), sep="\n")
    return 0


def health(arguments: argparse.Namespace) -> int:
    """Show how healthy the database is, with the limits of alerts; exit status 10 when one is reached."""
    figures = health_figures.read(_one(arguments))
    if arguments.json:
        print_json({
            one.kind: {
                "value": None if one.value is None else float(one.value),
                "limit": None if one.most is None else float(one.most),
                "is_bad": one.is_bad, "names": list(one.names),
            }
            for one in figures
        })  # fmt: skip
    else:
        print(*health_figures.lines(figures), sep="\n")
    return health_figures.BAD if any(one.is_bad for one in figures) else 0


def report(arguments: argparse.Namespace) -> int:
    """Write one HTML page about all environments, or about one: status, runs, health, backups."""
    from tools.database.report import page, reading  # needs the packages of requirements-dev.txt

    known = environments.read()
    chosen = [environments.choose(arguments.on, known)] if arguments.on else list(known.values())
    secrets = {secret for one in known.values() if one.is_named for secret in addresses.secrets(one.url)}
    text = page.hide(page.render(reading.read_all(chosen)), secrets)
    try:
        Path(arguments.html).write_text(text, encoding="utf-8")
    except OSError as error:
        raise DatabaseToolError(f"{arguments.html} cannot be written: {error.strerror}") from None
    print(f"Written: {arguments.html} ({size(len(text.encode()))})")
    return 0


def adopt(arguments: argparse.Namespace) -> int:
    """Give migrations that another program recorded under other numbers the numbers of our files."""
    renamed = repairs.adopt(_one(arguments))
    for version, migration in renamed:
        print(f"{version} is {migration}")
    print(f"{len(renamed)} renamed in the history; no table was touched.")
    return 0


def resume(arguments: argparse.Namespace) -> int:
    """Continue a migration without a transaction at the statement where it stopped."""
    for migration in repairs.resume(_one(arguments), arguments.confirm):
        print(f"applied {migration}")
    return 0


def abandon(arguments: argparse.Namespace) -> int:
    """Forget a migration without a transaction that stopped, and drop the invalid indexes it left."""
    for line in repairs.abandon(_one(arguments), arguments.confirm):
        print(line)
    return 0


def doctor(arguments: argparse.Namespace) -> int:
    """Check addresses, certificates, rights and versions of all environments; exit status 1 at an error."""
    known = environments.read()
    chosen = [environments.choose(arguments.on, known)] if arguments.on else list(known.values())
    failed = 0
    for environment in chosen:
        for is_good, line in checks.check(environment):
            failed += not is_good
            print(f"{coloured('✔', 'good') if is_good else coloured('✘', 'bad')} {environment.name}: {line}")
    return 1 if failed else 0


def _one(arguments: argparse.Namespace) -> Environment:
    return environments.choose(arguments.on, environments.read())


def _columns(found: Sequence[State]) -> list[str]:
    rows = [["", *(state.environment for state in found)]]
    rows.append(["version", *(_version(state) for state in found)])
    rows.append(["pending", *(_count(state, len(state.pending), "sync") for state in found)])
    odd = [_count(state, len(state.edited) + len(state.unknown)) for state in found]
    rows.append(["edited or unknown", *odd])
    rows.append(["half done", *(_count(state, len(state.half_done), "resume") for state in found)])
    rows.append(["changed by hand", *(_drift(state) for state in found)])
    rows.append(["last run", *(_last(state) for state in found)])
    rows.append(["Postgres", *(state.server or "-" for state in found)])
    return table(rows)


def _version(state: State) -> str:
    if state.problem:
        return "unreachable" if state.unreachable else "refused"
    return state.version or "empty"


def _count(state: State, count: int, command: str = "") -> str:
    if state.problem:
        return "?"
    if not count:
        return "-"
    return f"{count}   {command} --on {state.environment}" if command else str(count)


def _drift(state: State) -> str:
    if state.problem:
        return "?"
    if state.changes is None:
        return "unknown until the next sync"
    return _count(state, len(state.changes), "drift")


def _last(state: State) -> str:
    run = state.last_run
    if run is None:
        return "-"
    took = "" if run.milliseconds is None else f", {run.milliseconds / 1000:.1f} s"
    return f"{_day(run.at)}, {run.kind} {run.outcome}{took}, {run.actor}"


def _day(at: datetime) -> str:
    at = at.astimezone(UTC)
    return f"today {at:%H:%M} UTC" if at.date() == datetime.now(UTC).date() else f"{at:%Y-%m-%d %H:%M} UTC"


def _pending(found: Sequence[State]) -> list[str]:
    """Return the pending migrations, each with the environments that lack it; not all of many."""
    lacking: dict[str, list[str]] = {}
    for state in found:
        for migration in state.pending:
            lacking.setdefault(str(migration), []).append(state.environment)
    lines = [f"pending {name}: {', '.join(names)}" for name, names in sorted(lacking.items())]
    return [*lines[:MOST], f"… {len(lines) - MOST - 1} more", lines[-1]] if len(lines) > MOST + 1 else lines


def _remarks(state: State, verbose: bool) -> list[str]:
    if state.problem:
        return [f"{state.environment}: {state.problem}"]
    found = []
    for migration in state.edited:
        found.append(f"{state.environment}: {migration} was edited after it was applied")
        found += [f"  {line}" for line in histories.edit(state, migration)] if verbose else []
    found += [f"{state.environment}: {version} is not in supabase/migrations" for version in state.unknown]
    found += [
        f"{state.environment}: {one} is older than what is applied:"
        f" ./switchboard database rename {one.version}"
        for one in state.late
    ]
    found += [f"{state.environment}: {change}" for change in state.changes or ()]
    return found


def _as_json(state: State) -> dict[str, Any]:
    run = state.last_run
    return {
        "exit_status": state.exit_status,
        "problem": state.problem,
        "version": state.version,
        "pending": [str(one) for one in state.pending],
        "edited": [str(one) for one in state.edited],
        "unknown": list(state.unknown),
        "half_done": list(state.half_done),
        "changed_by_hand": None if state.changes is None else [change.name for change in state.changes],
        "last_run": None if run is None else asdict(run),
        "postgres": state.server,
    }
