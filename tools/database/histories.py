"""Reads what a database remembers of its runs, and how it differs from a file or from another database."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from datetime import UTC
from typing import Any

from tools.database import connections, environments, identity, owners, prepare, snapshots, states
from tools.database.environments import Environment
from tools.database.migration_files import Migration
from tools.database.snapshots import Change
from tools.database.states import State

RUNS = """
select r.id, r.kind, r.started_at, r.finished_at, r.outcome, r.actor, r.git_commit, r.plan, r.from_version,
    r.to_version, r.backup, r.sqlstate, r.error,
    coalesce((
        select jsonb_agg(jsonb_build_object(
            'version', s.version, 'statement', s.statement, 'statements', s.statements, 'outcome', s.outcome,
            'milliseconds', s.milliseconds, 'lock_waits', s.lock_waits
        ) order by s.id) from private.migration_steps s where s.run = r.id
    ), '[]'::jsonb) as steps
from private.migration_runs r order by r.id desc limit %s
"""
STATEMENTS = """
select array_to_string(statements, E';\\n') from supabase_migrations.schema_migrations where version = %s
"""


def runs(environment: Environment, limit: int) -> list[dict[str, Any]]:
    """Return the newest runs with their steps; none where the database has no table for them yet."""
    with connections.connect(environment.require_url(), "history") as connection:
        identity.require(connection, environment)
        if not states.has_runs(connection):
            return []
        cursor = connection.execute(RUNS, [limit])
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor]


def lines(found: Sequence[dict[str, Any]]) -> list[str]:
    """Return the runs for a reader."""
    if not found:
        return ["No run is remembered."]
    text = []
    for run in found:
        at = run["started_at"].astimezone(UTC)
        commit = f", commit {run['git_commit']}" if run["git_commit"] else ""
        text.append(f"{at:%Y-%m-%d %H:%M:%S} UTC  {run['kind']} {run['outcome']}  {run['actor']}{commit}")
        if run["from_version"] != run["to_version"]:
            text.append(f"  from {run['from_version'] or 'empty'} to {run['to_version'] or 'empty'}")
        if run["backup"]:
            what = "restored from" if run["kind"] == "restore" else "backup before it"
            text.append(f"  {what}: {run['backup']}")
        if run["error"]:
            text.append(f"  {run['sqlstate'] or ''} {run['error']}".rstrip())
        for step in run["steps"]:
            part = f", statement {step['statement']} of {step['statements']}" if step["statement"] else ""
            waits = f", waited {step['lock_waits']} times for a lock" if step["lock_waits"] else ""
            took = "" if step["milliseconds"] is None else f", {step['milliseconds']} ms"
            text.append(f"  {step['version']}{part}: {step['outcome']}{took}{waits}")
    return text


def compare(one: Environment, other: Environment) -> list[Change]:
    """Return what the other environment has differently."""
    described = []
    for environment in (other, one):
        with connections.connect(environment.require_url(), "drift") as connection:
            identity.require(connection, environment)
            described.append(owners.comparable(snapshots.describe(connection), prepare.owner(connection)))
    return snapshots.compare(*described)


def edit(state: State, migration: Migration) -> list[str]:
    """Return how an applied migration's file differs from what was applied, as a unified diff."""
    environment = environments.choose(state.environment, environments.read())
    with connections.connect(environment.require_url(), "status") as connection:
        row = connection.execute(STATEMENTS.encode(), [migration.version]).fetchone()
    applied = str(row[0]) if row else ""
    return list(
        difflib.unified_diff(
            applied.splitlines(), migration.text.splitlines(), "applied", "file", "", "", 1, ""
        )
    )
