"""Remembers each run that changes a database, on a connection of its own: a failed one is kept as well.

The tables come with a migration. Until a database has them, nothing is remembered.
"""

from __future__ import annotations

import getpass
import os
import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from shared.core.redaction import redact
from tools.database import error_texts, presence
from tools.database.errors import DatabaseToolError

ROOT = Path(__file__).parents[2]
KEPT_ERROR = 500  # characters


class Run:
    """One run; without tables in the database it writes nothing."""

    def __init__(self, connection: psycopg.Connection, kind: str, main: psycopg.Connection) -> None:
        """Take the connection to write with, and the one that does the work."""
        self._connection, self._main, self._kind = connection, main, kind
        self.id: int | None = None
        self._plan: str | None = None
        self._from: str | None = None

    def open(self, from_version: str | None = None, plan: str | None = None) -> None:
        """Write that the run has begun, and that runs whose sessions are gone died."""
        if self.id is not None:
            return
        self._plan, self._from = plan or self._plan, from_version or self._from
        if not presence.has_table(self._connection, "private.migration_runs"):
            return
        self._close_dead()
        pid, start = _session(self._main)
        row = self._connection.execute(
            "insert into private.migration_runs (kind, actor, git_commit, plan, from_version, backend_pid,"
            " backend_start) values (%s, %s, %s, %s, %s, %s, %s) returning id",
            [self._kind, actor(), git_commit(), self._plan, self._from, pid, start],
        ).fetchone()
        self.id = int(row[0]) if row else None

    def note_backup(self, text: str) -> None:
        """Write where the backup before this run is, or why there is none."""
        if self.id is not None:
            self._connection.execute(
                "update private.migration_runs set backup = %s where id = %s", [text, self.id]
            )

    def close(self, to_version: str | None, error: Exception | None = None) -> None:
        """Write how it ended. A lost connection loses this line: the next run writes that this one died."""
        if self.id is None or self._connection.closed:
            return
        self._connection.execute(
            "update private.migration_runs set finished_at = private.clock(), outcome = %s,"
            " to_version = %s, sqlstate = %s, error = %s where id = %s and outcome = 'running'",
            [
                "failed" if error else "done", to_version,
                getattr(error, "sqlstate", None), _primary(error) if error else None, self.id,
            ],
        )  # fmt: skip

    @contextmanager
    def step(
        self, version: str, checksum: str, statements: int, statement: int | None = None
    ) -> Iterator[list[int]]:
        """Write a step before its work, and how it ended after it. The list counts the waits for locks."""
        waits: list[int] = []
        step = self._begin_step(version, checksum, statements, statement)
        try:
            yield waits
        except BaseException:
            self._end_step(step, "failed", len(waits))
            raise
        if step is None:  # the migration may have made the tables
            self.open()
            step = self._begin_step(version, checksum, statements, statement)
        self._end_step(step, "done", len(waits))

    def _begin_step(self, version: str, checksum: str, statements: int, statement: int | None) -> int | None:
        if self.id is None:
            return None
        row = self._connection.execute(
            "insert into private.migration_steps (run, version, checksum, statement, statements)"
            " values (%s, %s, %s, %s, %s) returning id",
            [self.id, version, checksum, statement, statements],
        ).fetchone()
        return int(row[0]) if row else None

    def _end_step(self, step: int | None, outcome: str, waits: int) -> None:
        if step is None or self._connection.closed:
            return
        self._connection.execute(
            "update private.migration_steps set outcome = %s, lock_waits = %s, milliseconds ="
            " round(extract(epoch from private.clock() - started_at) * 1000) where id = %s",
            [outcome, waits, step],
        )

    def _close_dead(self) -> None:
        self._connection.execute(
            "update private.migration_runs r set outcome = 'died', finished_at = private.clock()"
            " where r.outcome = 'running' and not exists (select from pg_stat_activity a"
            " where a.pid = r.backend_pid and a.backend_start = r.backend_start)"
        )


def record_restore(connection: psycopg.Connection, version: str, place: str) -> None:
    """Write that a backup filled this database, in that transaction; the runs before it are the backup's."""
    if not presence.has_table(connection, "private.migration_runs"):
        return
    pid, start = _session(connection)
    connection.execute(
        "insert into private.migration_runs (kind, actor, git_commit, to_version, backup, backend_pid,"
        " backend_start, outcome, finished_at) values ('restore', %s, %s, %s, %s, %s, %s, 'done',"
        " private.clock())",
        [actor(), git_commit(), version, place, pid, start],
    )


def actor() -> str:
    """Return who runs this: the build, or the user of this machine."""
    build = os.environ.get("BUILD_ID")
    if build:
        return f"build {build[:36]}"
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"
    return f"{user}@{platform.node()}"


def git_commit() -> str | None:
    """Return the commit of this folder with `+` where files differ from it; None outside of git."""
    try:
        commit = _git("rev-parse", "--short=12", "HEAD")
        return f"{commit}+" if _git("status", "--porcelain", "--", "supabase") else commit
    except (OSError, subprocess.SubprocessError):
        return None


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=10, check=True
    )  # fmt: skip
    return done.stdout.strip()


def _session(connection: psycopg.Connection) -> tuple[int, object]:
    row = connection.execute(
        "select pid, backend_start from pg_stat_activity where pid = pg_backend_pid()"
    ).fetchone()
    assert row is not None  # a session sees itself
    return row[0], row[1]


def _primary(error: Exception) -> str:
    """Return what failed without Postgres' DETAIL, which may quote rows of users."""
    if isinstance(error, psycopg.Error):
        text = error_texts.primary(error)
    elif isinstance(error, DatabaseToolError):
        text = str(error)
    else:
        text = type(error).__name__
    notes = getattr(error, "__notes__", [])
    return redact(" ".join([text, *notes]))[:KEPT_ERROR]
