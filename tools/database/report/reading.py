"""Reads what the page shows of each environment; one that does not answer is shown as such."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import psycopg

from tools.database import connections, error_texts, health, migration_files, presence, states
from tools.database.environments import Environment
from tools.database.errors import DatabaseToolError
from tools.database.health import Figure
from tools.database.states import State

RUNS = 50
# The highest value of every four hours, as admin_health gives it.
LINES = """
select h.kind, date_bin('4 hours', h.at, timestamptz '2000-01-01 00:00+00') as at, max(h.value)
from private.health_samples h
where h.at > private.clock() - interval '30 days' and h.value is not null group by 1, 2 order by 1, 2
"""
Line = list[tuple[datetime, float]]


@dataclass(frozen=True)
class Column:
    """One environment as it was read."""

    environment: Environment
    state: State
    overview: Mapping[str, Any] | None = None
    runs: Sequence[Mapping[str, Any]] = ()
    figures: Sequence[Figure] = ()
    lines: Mapping[str, Line] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the name of the environment."""
        return self.environment.name

    @property
    def applied(self) -> set[str]:
        """Return the versions of the files that the environment has."""
        if self.state.problem:
            return set()
        return {one.version for one in migration_files.migrations()} - {
            one.version for one in self.state.pending
        }


def read_all(environments: Sequence[Environment]) -> list[Column]:
    """Read several environments at the same time."""
    with ThreadPoolExecutor(max_workers=max(len(environments), 1)) as pool:
        return list(pool.map(read, environments))


def read(environment: Environment) -> Column:
    """Read one environment; what its version does not have yet is left out, and an error is its problem."""
    state = states.read(environment)
    if state.problem:
        return Column(environment, state)
    try:
        return _read(environment, state)
    except psycopg.Error as error:
        problem = f"Postgres: {error_texts.without_rows(error)}"
        return Column(environment, replace(state, problem=problem))


def _read(environment: Environment, state: State) -> Column:
    try:
        figures = health.read(environment)
    except DatabaseToolError:  # older than the figures
        figures = []
    with connections.connect(environment.require_url(), "report") as connection:
        if not presence.has_function(connection, "private.migration_history"):
            return Column(environment, state, figures=figures)
        overview = _json(connection, "select private.database_overview()")
        runs = _json(connection, "select private.migration_history(%s)", [RUNS])["runs"]
        lines: dict[str, Line] = {}
        for kind, at, value in connection.execute(LINES):
            lines.setdefault(str(kind), []).append((at, float(value)))
    return Column(environment, state, overview, runs, figures, lines)


def _json(connection: psycopg.Connection, query: str, values: Sequence[object] = ()) -> dict[str, Any]:
    row = connection.execute(query.encode(), values or None).fetchone()
    return dict(row[0]) if row else {}
