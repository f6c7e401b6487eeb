"""Calls of SQL functions. There is no other SQL in this package: rules live in `supabase/schemas/functions`.

    db.call("receive_update", p_bot="assistant", ...)   ->  select public.receive_update(p_bot => …)

Every function called from here answers with one jsonb value and is safe to call twice, so a call that broke
on the way may be repeated. Connections come from a small pool, opened on first use (never before gunicorn's
fork), in autocommit and without prepared statements: both are what a transaction pooler wants.
"""

from __future__ import annotations

import select
import threading
from functools import lru_cache
from time import monotonic, sleep
from typing import Any, Self

import orjson
import psycopg
from psycopg import generators
from psycopg.abc import RV, PQGen
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from psycopg_pool import ConnectionPool, PoolTimeout

from shared.core import log
from shared.core.config import settings
from shared.core.database_tls import tls_options
from shared.core.errors import DatabaseUnavailable, Refusal

RETRY_SECONDS = 3.0  # how long one call keeps trying
ANSWER_SECONDS = 9.0  # how long one statement is waited for; the server itself stops it after 8 s
PROBE_SECONDS = 1.0  # how long the one call tries that finds out whether it is back
CIRCUIT_SECONDS = 5.0  # how long, after that, calls of this process fail at once
BUSY_SECONDS = 1.0  # a call that waits longer for a connection is logged
BUSY_EVERY = 30.0  # seconds between two such lines
_FIRST_DELAY = 0.05
_LOOK_EVERY = 0.1  # seconds between two looks at the time while waiting
# A dead peer is noticed within seconds and not after the kernel's quarter of an hour.
_CONNECTION = {
    "autocommit": True,
    "prepare_threshold": None,
    "connect_timeout": 2,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "application_name": "switchboard",
}
# XX000 is how Supavisor says that its pool is exhausted (supabase/supavisor 904), and how Postgres says that
# a row of its catalogue changed meanwhile. psycopg counts neither as operational.
_INTERNAL = "XX"
# It answered, and cannot now: a conflict, out of resources, a lock not got, stopped for its time, a system or
# internal error; that is no reason to keep other calls away.
_PASSING = ("40", "53", "55", "57", "58", _INTERNAL)
# A standby that takes no changes yet; a function that is not there (or not ours) yet: a deployment under way.
_NOT_READY = ("25006", "42501", "42883")


class _Connection(psycopg.Connection[tuple[Any, ...]]):
    """One that does not wait for ever: a pooler without a free server is alive and silent for minutes."""

    last_error = ""  # why the latest attempt to connect failed; empty when it succeeded
    poller: select.poll  # says when something can be read

    @classmethod
    def connect(cls, *arguments: Any, **parameters: Any) -> Self:
        """Connect, and keep the reason of a failure: the pool reports a timeout alone."""
        try:
            connection = super().connect(*arguments, **parameters)
        except psycopg.Error as error:
            _Connection.last_error = _reason(error)
            raise
        _Connection.last_error = ""
        connection.poller = select.poll()
        connection.poller.register(connection.pgconn.socket, select.POLLIN)
        return connection

    def wait(self, gen: PQGen[RV], interval: float = _LOOK_EVERY, timeout: float | None = None) -> RV:
        return super().wait(gen, interval, ANSWER_SECONDS if timeout is None else timeout)


class _Pool(ConnectionPool[_Connection]):
    """psycopg's pool with a short way for the ordinary case: a connection is free, and comes back sound.

    The latest to come back is the next to go out: its server process has the functions in its caches.
    """

    def getconn(self, timeout: float | None = None) -> _Connection:
        """Return a connection, waiting for one at most `timeout` seconds."""
        with self._lock:
            if self._pool and not self._closed:
                connection = self._pool.pop()
                self._nconns_min = min(self._nconns_min, len(self._pool))
                self._stats[self._REQUESTS_NUM] += 1
                connection._pool = self
                return connection
        return super().getconn(timeout)

    def putconn(self, conn: _Connection) -> None:
        """Take a connection back."""
        is_sound = (
            conn.pgconn.transaction_status == TransactionStatus.IDLE
            and conn._expire_at > monotonic()
            and conn._created_at > self._drained_at
        )
        if is_sound:
            with self._lock:
                if not (self._waiting or self._closed):
                    conn._pool = None
                    self._pool.append(conn)
                    return
        super().putconn(conn)


class _Busy(DatabaseUnavailable):
    """It answered that it cannot do this now."""


class _Circuit:
    """Keeps calls away from a database that just failed, but for one at a time that tries it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open_until = 0.0

    def enter(self) -> float:
        """Let a call pass, and return how many seconds it may try; raises DatabaseUnavailable."""
        with self._lock:
            now = monotonic()
            if now < self._open_until:
                raise DatabaseUnavailable("the database failed a moment ago", maybe_executed=False)
            if not self._open_until:
                return RETRY_SECONDS
            # This call is the one that tries, for a person who waits; the others go by what it finds.
            self._open_until = now + RETRY_SECONDS
            return PROBE_SECONDS

    def is_open(self) -> bool:
        """Whether the latest call failed and none has succeeded since."""
        return bool(self._open_until)

    def succeeded(self) -> None:
        self._open_until = 0.0

    def failed(self) -> None:
        with self._lock:
            self._open_until = monotonic() + CIRCUIT_SECONDS


_circuit = _Circuit()
_pool_lock = threading.Lock()
_pool: _Pool | None = None
_busy_logged_at = -BUSY_EVERY


def _connections() -> _Pool:
    global _pool  # noqa: PLW0603 - one pool per process, by design
    if _pool is None:
        with _pool_lock:
            if _pool is None:
                url = settings().database_url
                _pool = _Pool(
                    url,
                    connection_class=_Connection,
                    kwargs=_CONNECTION | tls_options(url),
                    min_size=1,
                    max_size=settings().database_pool_size,
                    # A broken connection is given up soon, so that the next call tries afresh.
                    reconnect_timeout=RETRY_SECONDS,
                    open=True,
                )
    return _pool


def pool_state() -> dict[str, int] | None:
    """Return the figures of this process's connection pool (numbers alone), None before its first use."""
    return None if _pool is None else _pool.get_stats()


def is_failing() -> bool:
    """Return whether the latest call of this process found the database away."""
    return _circuit.is_open()


def close() -> None:
    """Close the connections of this process. The next call opens a new pool."""
    global _pool
    with _pool_lock:
        pool, _pool = _pool, None
    if pool is not None:
        pool.close(timeout=1.0)


@lru_cache(maxsize=256)
def _statement(function: str, parameters: tuple[str, ...]) -> bytes:
    # Made of names in our own source alone: a test compares each call with the schema files.
    arguments = ", ".join(f"{name} => ${number}" for number, name in enumerate(parameters, 1))
    return f"select public.{function}({arguments})::text".encode()


def call(function: str, **parameters: Any) -> Any:
    """Call `public.<function>` and return its jsonb answer, decoded.

    Dicts and lists become jsonb parameters; NUL, which Postgres cannot store, is left out. Takes at most
    `RETRY_SECONDS` when no connection can be had, and `ANSWER_SECONDS` more for one that is silent.

    Raises:
        DatabaseUnavailable: it could not be reached in time, this process saw it fail seconds ago, or it
            cannot do this now.
        Refusal: the function raised one of the codes in docs/error_codes.md.
    """
    if not settings().database_enabled:
        raise DatabaseUnavailable("there is no database: DB_ENABLED=false", maybe_executed=False)
    seconds = _circuit.enter()
    statement = _statement(function, tuple(parameters))
    values = [_parameter(value) for value in parameters.values()]
    started = monotonic()
    try:
        answer = _call_until(started + seconds, statement, values)
    except DatabaseUnavailable as error:
        if isinstance(error, _Busy):
            _circuit.succeeded()
        else:
            _circuit.failed()
        log.warning(
            "the database did not answer",
            action="database_unavailable",
            function=function,
            reason=str(error),
            connect_error=_Connection.last_error,
            pool=pool_state(),
        )
        raise
    except (Refusal, psycopg.Error):
        _circuit.succeeded()
        raise
    _circuit.succeeded()
    if log.is_debug():
        log.debug(function, action="sql", function=function, ms=round((monotonic() - started) * 1000, 2))
    return orjson.loads(answer) if answer is not None else None


def _parameter(value: Any) -> bytes | None:
    """Return a value in Postgres' text form; the function's signature says what type it is there."""
    if value is None:
        return None
    if isinstance(value, str):
        return value.replace("\0", "").encode()
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if not isinstance(value, dict | list):
        return str(value).encode()
    content = orjson.dumps(value)
    return orjson.dumps(without_nul(value)) if b"\\u0000" in content else content


def without_nul(value: Any) -> Any:
    """Return decoded JSON without the character NUL: Postgres cannot store it, and no person can see it."""
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, list):
        return [without_nul(item) for item in value]
    if isinstance(value, dict):
        return {key.replace("\0", ""): without_nul(item) for key, item in value.items()}
    return value


def _call_until(deadline: float, statement: bytes, values: list[bytes | None]) -> bytes | None:
    reached = False
    delay = _FIRST_DELAY
    while True:
        try:
            return _call_once(max(deadline - monotonic(), 0.05), statement, values)
        except psycopg.Error as error:
            _raise_if_final(error)
            # No connection: it never left. A connection that broke: it may have arrived.
            reached = reached or not isinstance(error, PoolTimeout)
            if monotonic() + delay >= deadline:
                kind = _Busy if _has_answered(error) else DatabaseUnavailable
                raise kind(_reason(error), maybe_executed=reached) from None
        sleep(delay)
        delay *= 2


def _raise_if_final(error: psycopg.Error) -> None:
    """Raise what would be the same at the next try."""
    code = error.sqlstate or ""
    if code in _NOT_READY:
        raise _Busy(_reason(error), maybe_executed=True) from None
    if code and _is_ours(code):
        raise Refusal(code, error.diag.message_primary or "") from None
    if not isinstance(error, psycopg.OperationalError) and not code.startswith(_INTERNAL):
        raise error


def _has_answered(error: psycopg.Error) -> bool:
    code = error.sqlstate or ""
    return code.startswith(_PASSING) and not code.startswith("57P")  # 57P0x: shutting down or starting up


def _call_once(timeout: float, statement: bytes, values: list[bytes | None]) -> bytes | None:
    pool = _connections()
    started = monotonic()
    connection = pool.getconn(timeout=timeout)
    if (waited := monotonic() - started) > BUSY_SECONDS:
        _log_busy(waited)
    if _was_closed(connection):  # while it waited in the pool: nothing of this call has left yet
        connection.close()
        pool.putconn(connection)
        pool.drain()
        raise PoolTimeout("the server closed the connection while it was idle")
    try:
        answer = _execute(connection, statement, values)
    except psycopg.OperationalError:
        if connection.info.transaction_status is TransactionStatus.ACTIVE:  # its answer may still come
            connection.pgconn.finish()
        broken = connection.broken
        pool.putconn(connection)
        if broken:  # the server went away, and with it every other connection that waits in the pool
            pool.drain()
        raise
    except BaseException:
        pool.putconn(connection)
        raise
    pool.putconn(connection)
    return answer


def _log_busy(waited: float) -> None:
    """Log that calls wait for a connection, at most once in BUSY_EVERY seconds."""
    global _busy_logged_at  # noqa: PLW0603 - one line for all threads
    if monotonic() - _busy_logged_at < BUSY_EVERY:
        return
    _busy_logged_at = monotonic()
    log.warning(
        "a call waited for a database connection",
        action="pool_busy",
        ms=round(waited * 1000),
        pool=pool_state(),
    )


def _was_closed(connection: _Connection) -> bool:
    """Whether the server has ended an idle connection; one look at the socket, no round trip."""
    if not connection.poller.poll(0):
        return False
    try:
        connection.pgconn.consume_input()  # a notice, perhaps; the end is an error
    except psycopg.OperationalError:
        return True
    return connection.pgconn.status != ConnStatus.OK


def _execute(connection: _Connection, statement: bytes, values: list[bytes | None]) -> bytes | None:
    """Run one statement that answers with one value: what a cursor does, without what we never use of it.

    Half of the client's cost of a call is the cursor's, a quarter that of waiting by psycopg's generators
    (docs/performance.md).

    Raises:
        psycopg.Error: the server's error, or there was no answer in ANSWER_SECONDS.
    """
    pgconn = connection.pgconn
    pgconn.send_query_params(statement, values)
    if pgconn.flush():  # the kernel does not take all of it at once
        result = connection.wait(generators.execute(pgconn))[-1]
    else:
        result = _result(connection, monotonic() + ANSWER_SECONDS)
    if result.status != ExecStatus.TUPLES_OK:
        raise psycopg.errors.error_from_result(result)
    return result.get_value(0, 0) if result.ntuples else None


def _result(connection: _Connection, deadline: float) -> PGresult:
    """Wait for the answer to the one statement that was sent."""
    pgconn = connection.pgconn
    result: PGresult | None = None
    while True:
        while pgconn.is_busy():
            if not connection.poller.poll(max(deadline - monotonic(), 0) * 1000):
                raise psycopg.OperationalError(f"no answer in {ANSWER_SECONDS:.0f} s")
            pgconn.consume_input()
        following = pgconn.get_result()
        if following is None:  # the server is ready for the next statement
            break
        result = following
    if result is None:
        raise psycopg.OperationalError("the connection ended without an answer")
    return result


def _is_ours(sqlstate: str) -> bool:
    """Whether a code is one of ours: the standard keeps 0-4 and A-H, Postgres itself F, H, P and X."""
    return sqlstate[0] in "IJKLMNOQRSTUVWYZ"


def _reason(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
