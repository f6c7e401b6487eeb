"""Applies one migration: in one transaction, or statement by statement where no transaction can hold it.

A migration that waits for a lock makes every statement behind it wait too, on a database in use. So it waits
two seconds at most, lets the others pass, and tries again; who is in the way is named.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import Any, TypeVar

import psycopg
from psycopg import errors, sql

from tools.database import addresses, bookkeeping, connections, error_texts, presence, statements
from tools.database.errors import DatabaseToolError, HalfDone, Locked
from tools.database.migration_files import Migration
from tools.database.runs import Run
from tools.database.statements import Statement

Result = TypeVar("Result")
LOCK_TIMEOUT = "2s"
TRIES = 8  # of a migration that waits for a lock, or loses a deadlock with functions in use
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0  # seconds between tries, each between half of it and the whole
TURN_TIMEOUT = 10.0  # seconds that a second run waits for the first
CHECK_INTERVAL = "500ms"  # after which the server notices that a killed client is gone, and lets go
MOST_SINGLE = 200  # statements that are sent one by one, so that an error names its number

# Who holds a lock that this session waits for.
BLOCKERS = """
select a.pid, coalesce(nullif(a.application_name, ''), a.usename, '?'), a.state,
    clock_timestamp() - coalesce(a.xact_start, a.query_start)
from unnest(pg_blocking_pids(%s)) b (pid) join pg_stat_activity a on a.pid = b.pid order by a.xact_start
"""
HOLDER = """
select a.pid, coalesce(nullif(a.application_name, ''), a.usename, '?'), a.state,
    clock_timestamp() - coalesce(a.xact_start, a.backend_start)
from pg_locks l join pg_stat_activity a on a.pid = l.pid
where l.locktype = 'advisory' and l.granted and l.pid <> pg_backend_pid()
    and l.classid = %s and l.objid = %s and l.database = (select oid from pg_database where datname =
    current_database())
"""


class Applying:
    """Applies migrations on one connection; call it with a migration, and it says whether it applied it."""

    def __init__(
        self,
        connection: psycopg.Connection,
        url: str,
        known: Sequence[Migration],
        run: Run | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        self._connection, self._url, self._known = connection, url, known
        self._run, self._progress = run, progress or (lambda _: None)

    def __call__(self, migration: Migration) -> bool:
        """Apply the migration unless the database has it. Raises DatabaseToolError and psycopg.Error."""
        parts = statements.read(migration)
        if not statements.is_transactional(parts):
            return self._one_by_one(migration, parts)
        checksum = statements.checksum(migration.text)
        with self._step(migration, checksum, parts) as waits:
            return retrying(
                self._connection, self._url, str(migration),
                lambda: self._in_transaction(migration, parts), waits, self._progress,
            )  # fmt: skip

    def _in_transaction(self, migration: Migration, parts: list[Statement]) -> bool:
        with connections.as_owner(self._connection):
            take_turn(self._connection)
            applied = bookkeeping.applied_versions(self._connection)
            bookkeeping.check(applied, self._known)
            if migration.version in applied:
                return False
            bookkeeping.prepare(self._connection)
            limit_waits(self._connection)
            self._execute(migration, parts)
            bookkeeping.record(self._connection, migration, [migration.text])
            return True

    def _execute(self, migration: Migration, parts: list[Statement]) -> None:
        if len(parts) > MOST_SINGLE:
            with noted(f"in migration {migration}"):
                self._connection.execute(migration.text)
            return
        for number, part in enumerate(parts, 1):
            with noted(f"in migration {migration}, statement {number} of {len(parts)}"):
                self._connection.execute(part.text)

    def _one_by_one(self, migration: Migration, parts: list[Statement]) -> bool:
        """Run statements outside of a transaction; those that an earlier run finished are skipped."""
        if addresses.is_transaction_pooler(self._url):
            raise DatabaseToolError(
                f"{migration} needs a session: use the session pooler (port 5432), not the"
                " transaction pooler."
            )
        checksum = statements.checksum(migration.text)
        with self._session_lock():
            applied = bookkeeping.applied_versions(self._connection)
            bookkeeping.check(applied, self._known)
            if migration.version in applied:
                return False
            done = _steps(self._connection, migration.version, checksum, "done")
            begun = _steps(self._connection, migration.version, checksum, "running")
            for number, part in enumerate(parts, 1):
                if number in begun - done and _is_done(self._connection, part):
                    # The run died after the statement, before it could write that it had ended.
                    with self._step(migration, checksum, parts, number):
                        continue
                if number not in done:
                    self._single(migration, checksum, part, number, len(parts))
            with connections.as_owner(self._connection):
                bookkeeping.prepare(self._connection)
                bookkeeping.record(self._connection, migration, [part.text for part in parts])
        return True

    def _single(self, migration: Migration, checksum: str, part: Statement, number: int, count: int) -> None:
        self._progress(f"  {migration}, statement {number} of {count}: {part.alone}")
        if part.index:
            _drop_invalid(self._connection, part.index)
        try:
            with self._step(migration, checksum, [part] * count, number):
                execute_as_owner(self._connection, self._connection.execute, part.text)
        except psycopg.Error as error:
            raise HalfDone(
                f"{migration}: statement {number} of {count} failed: {error_texts.primary(error)}"
                f" (SQLSTATE {error.sqlstate}). Correct the cause and run `resume`, or take the"
                " migration back"
                " with `abandon`."
            ) from error

    @contextmanager
    def _session_lock(self) -> Iterator[None]:
        end = time.monotonic() + TURN_TIMEOUT
        while not _scalar(self._connection, "select pg_try_advisory_lock(%s)", [bookkeeping.LOCK]):
            if time.monotonic() > end:
                raise Locked(_another_run(self._connection))
            time.sleep(0.1)
        try:
            # A build may take long, and blocks no other session while it waits for older transactions.
            self._connection.execute("set statement_timeout = 0; set lock_timeout = 0")
            self._connection.execute(
                sql.SQL("set client_connection_check_interval = {}").format(CHECK_INTERVAL)
            )
            yield
        finally:
            with suppress(psycopg.OperationalError):
                self._connection.execute("select pg_advisory_unlock(%s)", [bookkeeping.LOCK])

    def _step(
        self, migration: Migration, checksum: str, parts: Sequence[Statement], statement: int | None = None
    ) -> Any:
        if self._run is None:
            return nullcontext([])
        return self._run.step(migration.version, checksum, len(parts), statement)


class _Watch:
    """Looks from a second session who blocks the first; begins after the first wait."""

    def __init__(self, url: str, connection: psycopg.Connection) -> None:
        self._url, self._pid = url, connection.info.backend_pid
        self._found = "a lock"
        self._thread: threading.Thread | None = None
        self._end = threading.Event()

    def __enter__(self) -> _Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        if self._thread is not None:
            self._thread.join()

    def start(self) -> None:
        """Begin to look, once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._look, daemon=True)
            self._thread.start()

    def blocker(self) -> str:
        """Return who was in the way last, or "a lock"."""
        return self._found

    def _look(self) -> None:
        with (
            suppress(DatabaseToolError, psycopg.Error),
            connections.connect(self._url, "watch") as connection,
        ):
            while not self._end.wait(0.25):
                row = connection.execute(BLOCKERS, [self._pid]).fetchone()
                if row is not None:
                    self._found = _session(row)


def retrying(
    connection: psycopg.Connection,
    url: str,
    name: str,
    work: Callable[[], Result],
    waits: list[int],
    progress: Callable[[str], None],
) -> Result:
    """Do a transaction's work; where a lock is taken, let the others pass and do it again.

    Raises Locked after the last try, with the session that is in the way. `waits` counts the tries.
    """
    with _Watch(url, connection) as watch:
        for number in range(1, TRIES):
            try:
                return work()
            except (errors.LockNotAvailable, errors.DeadlockDetected):
                waits.append(number)
                pause = min(FIRST_PAUSE * 2 ** (number - 1), LONGEST_PAUSE) * random.uniform(0.5, 1)
                progress(
                    f"  {name} waits for {watch.blocker()}; try {number + 1} of {TRIES} in {pause:.1f} s"
                )
                watch.start()
                time.sleep(pause)
        try:
            return work()
        except errors.LockNotAvailable as error:
            raise Locked(
                f"{name} could not get a lock in {TRIES} tries of {LOCK_TIMEOUT}: {watch.blocker()} is in the"
                " way. Nothing of it was applied. Let that session end, or end it with"
                " pg_terminate_backend(pid), and run the command again."
            ) from error


def limit_waits(connection: psycopg.Connection) -> None:
    """Let the statements of this transaction wait two seconds for a lock, and run as long as they need."""
    for setting, value in (
        ("lock_timeout", LOCK_TIMEOUT),
        ("statement_timeout", "0"),
        ("client_connection_check_interval", CHECK_INTERVAL),
    ):
        connection.execute("select set_config(%s, %s, true)", [setting, value])


def drop_invalid(connection: psycopg.Connection, indexes: Sequence[str]) -> list[str]:
    """Drop those of the indexes that an interrupted build left invalid; return their names."""
    return [name for name in indexes if _drop_invalid(connection, name)]


def take_turn(connection: psycopg.Connection) -> None:
    """Wait until no other run applies anything. Raises Locked, which names the other one."""
    connection.execute("select set_config('lock_timeout', %s, true)", [f"{TURN_TIMEOUT:g}s"])
    try:
        with connection.transaction():
            connection.execute("select pg_advisory_xact_lock(%s)", [bookkeeping.LOCK])
    except errors.LockNotAvailable as error:
        raise Locked(_another_run(connection)) from error


def _another_run(connection: psycopg.Connection) -> str:
    row = connection.execute(HOLDER, [bookkeeping.LOCK >> 32, bookkeeping.LOCK & 0xFFFFFFFF]).fetchone()
    who = _session(row) if row else "another run"
    return f"The database is being changed: {who}. Wait until it has ended, and run the command again."


def _session(row: tuple[Any, ...]) -> str:
    pid, name, state, age = row
    return f'pid {pid} "{name}" ({state}, for {str(age).partition(".")[0]})'


def _steps(connection: psycopg.Connection, version: str, checksum: str, outcome: str) -> set[int]:
    """Return the statements with an outcome since the migration was taken back last."""
    if not presence.has_table(connection, "private.migration_steps"):
        return set()
    rows = connection.execute(
        "select s.statement from private.migration_steps s where s.version = %s and s.checksum = %s"
        " and s.statement is not null and s.outcome = %s and not exists ("
        " select from private.migration_steps b join private.migration_runs r on r.id = b.run"
        " where b.version = s.version and b.id > s.id and b.outcome = 'done' and r.kind = 'rollback')",
        [version, checksum, outcome],
    )
    return {int(number) for (number,) in rows}


def _is_done(connection: psycopg.Connection, part: Statement) -> bool:
    """Whether a statement that may not run twice did its work."""
    if part.index:
        return bool(_scalar(
            connection,
            "select exists (select from pg_index i join pg_class c on c.oid = i.indexrelid"
            " join pg_namespace n on n.oid = c.relnamespace"
            " where c.relname = %s and i.indisvalid and n.nspname in ('public', 'private'))",
            [part.index],
        ))  # fmt: skip
    if part.alone == "drop index concurrently":
        names = [".".join(sign.sval for sign in name) for name in part.node.objects]
        left = "select count(to_regclass(name)) from unnest(%s::text[]) name"
        return bool(_scalar(connection, left, [names]) == 0)
    return False


def _drop_invalid(connection: psycopg.Connection, name: str) -> bool:
    """Drop an index that an interrupted build left invalid.

    With `if not exists` it would stay so for ever.
    """
    row = connection.execute(
        "select n.nspname, c.relname from pg_index i join pg_class c on c.oid = i.indexrelid"
        " join pg_namespace n on n.oid = c.relnamespace where c.relname = %s and not i.indisvalid"
        " and n.nspname in ('public', 'private')",
        [name],
    ).fetchone()
    if row is None:
        return False
    execute_as_owner(
        connection, connection.execute,
        sql.SQL("drop index concurrently {}").format(sql.Identifier(row[0], row[1])),
    )  # fmt: skip
    return True


def execute_as_owner(connection: psycopg.Connection, execute: Callable[..., object], statement: Any) -> None:
    """Run a statement outside of a transaction with what it makes belonging to the owner of the schema."""
    from tools.database import prepare

    connection.execute(sql.SQL("set role {}").format(sql.Identifier(prepare.owner(connection))))
    try:
        execute(statement)
    finally:
        with suppress(psycopg.OperationalError):
            connection.execute("reset role")


@contextmanager
def noted(where: str) -> Iterator[None]:
    """Add to a failing statement where it stands."""
    try:
        yield
    except psycopg.Error as error:
        error.add_note(where)
        raise


def _scalar(connection: psycopg.Connection, query: Any, parameters: Sequence[Any] = ()) -> Any:
    row = connection.execute(query, parameters or None).fetchone()
    return row[0] if row else None
