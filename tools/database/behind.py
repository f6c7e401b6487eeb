"""Writes into a database since when migrations are missing in it, so that its job `health` can alert.

Only a machine that reaches both databases, or has the newest files, can tell: once a day (deploy.yaml).
"""

from __future__ import annotations

from collections.abc import Mapping

import psycopg

from tools.database import connections, identity, presence
from tools.database.environments import Environment
from tools.database.states import State


def record(environments: Mapping[str, Environment], states: Mapping[str, State]) -> None:
    """Write it into each environment that was read. Raises psycopg.Error."""
    for name, state in states.items():
        environment = environments[name]
        before = states.get(environment.rules.after or "")
        is_behind = bool(state.pending) or _lacks(state, before)
        if state.problem or not environment.is_named:
            continue
        with connections.connect(environment.require_url(), "status") as connection:
            identity.require(connection, environment)
            write(connection, is_behind)


def write(connection: psycopg.Connection, is_behind: bool) -> None:
    """Write whether migrations are missing; the first time counts. Older databases have no place for it."""
    if not presence.has_column(connection, identity.TABLE, "behind_since"):
        return
    if is_behind:
        connection.execute(
            "update private.database_identity set behind_since = private.clock() where behind_since is null"
        )
    else:
        connection.execute(
            "update private.database_identity set behind_since = null where behind_since is not null"
        )


def _lacks(state: State, before: State | None) -> bool:
    """Whether the environment before this one has a later version."""
    return before is not None and not before.problem and (before.version or "") > (state.version or "")
