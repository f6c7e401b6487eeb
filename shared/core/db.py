"""Call SQL functions. The package has no other SQL: the rules are in `supabase/schemas/functions`.

    db.call("receive_update", p_bot="assistant", ...)   ->  select public.receive_update(p_bot => …)

Every function called from here answers with one jsonb or json value and is safe to call twice, so a call
whose connection failed may be repeated. Connections come from a small pool, opened on first use (never before
gunicorn's fork), in autocommit and without prepared statements: a transaction pooler requires both.
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
from shared.core.json_types import JsonValue

RETRY_SECONDS = 3.0  # how long one call keeps trying
ANSWER_SECONDS = 9.0  # timeout of one statement; the server cancels it after 8 s
PROBE_SECONDS = 1.0  # how long a probe tries while the circuit is open
CIRCUIT_SECONDS = 5.0  # how long the circuit stays open after a failed call
BUSY_SECONDS = 1.0  # a longer wait for a connection is logged
BUSY_EVERY = 30.0  # seconds between two of these lines
_FIRST_DELAY = 0.05
_CHECK_INTERVAL = 0.1  # seconds between two checks of the time while waiting
# The kernel detects a dead peer within seconds instead of 15 minutes.
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
# XX000: Supavisor's pool is exhausted (supabase/supavisor 904), or a catalogue row of Postgres was updated
# concurrently. psycopg raises neither as OperationalError.
_INTERNAL = "XX"
# Transient SQLSTATE classes (conflict, out of resources, lock timeout, cancelled, system or internal error):
# the server is up, so the circuit breaker stays closed.
_TRANSIENT = ("40", "53", "55", "57", "58", _INTERNAL)
# A read-only standby during a failover; a missing function or grant during a deployment.
_UNDEFINED_FUNCTION = "42883"
_NOT_READY = ("25006", "42501", _UNDEFINED_FUNCTION)


class _Connection(psycopg.Connection[tuple[Any, ...]]):
    """A connection with a timeout: a pooler without a free server stays silent for minutes."""

    last_error = ""  # reason of the latest failed attempt to connect; empty after a success
    poller: select.poll  # signals readable data

    @classmethod
    def connect(cls, *arguments: Any, **parameters: Any) -> Self:
        """Connect, and store the reason of a failure: the pool only reports a timeout."""
        try:
            connection = super().connect(*arguments, **parameters)
        except psycopg.Error as error:
            _Connection.last_error = _reason(error)
            raise
        _Connection.last_error = ""
        connection.poller = select.poll()
        connection.poller.register(connection.pgconn.socket, select.POLLIN)
        return connection

    def wait(self, gen: PQGen[RV], interval: float = _CHECK_INTERVAL, timeout: float | None = None) -> RV:
        return super().wait(gen, interval, ANSWER_SECONDS if timeout is None else timeout)


class _Pool(ConnectionPool[_Connection]):
    """psycopg's pool with a fast path for the ordinary case: a free connection, returned in a good state.

    Last in, first out: the server process of the connection used last has the functions in its caches.
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
        """Return a connection to the pool."""
        is_reusable = (
            conn.pgconn.transaction_status == TransactionStatus.IDLE
            and conn._expire_at > monotonic()
            and conn._created_at > self._drained_at
        )
        if is_reusable:
            with self._lock:
                if not (self._waiting or self._closed):
                    conn._pool = None
                    self._pool.append(conn)
                    return
        super().putconn(conn)


class _Busy(DatabaseUnavailable):
    """The server answered with a transient error."""


class _Circuit:
    """Circuit breaker: after a failure, calls fail at once, except one at a time that probes the database."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open_until = 0.0

    def enter(self) -> float:
        """Return how many seconds a call may try; raises DatabaseUnavailable while the circuit is open."""
        with self._lock:
            now = monotonic()
            if now < self._open_until:
                raise DatabaseUnavailable("the database failed a moment ago", maybe_executed=False)
            if not self._open_until:
                return RETRY_SECONDS
            # This call is the probe. It is short because a user waits for it.
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
                    # The pool gives up reconnecting soon, so that the next call starts a new attempt.
                    reconnect_timeout=RETRY_SECONDS,
                    open=True,
                )
    return _pool


def pool_state() -> dict[str, int] | None:
    """Return statistics of this process's connection pool, None before its first use."""
    return None if _pool is None else _pool.get_stats()


def is_failing() -> bool:
    """Return whether the latest call of this process failed to reach the database."""
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
    # Contains only names from our own source; a test compares each call with the schema files.
    arguments = ", ".join(f"{name} => ${number}" for number, name in enumerate(parameters, 1))
    return f"select public.{function}({arguments})".encode()


def call(function: str, **parameters: object) -> JsonValue:
    """Call `public.<function>` and return its JSON answer, decoded.

    Dicts and lists become jsonb parameters; NUL, which Postgres cannot store, is removed. Takes at most
    `RETRY_SECONDS` without a connection, and `ANSWER_SECONDS` more if the server does not answer.

    Raises:
        DatabaseUnavailable: it could not be reached in time, the circuit is open, or it answered with a
            transient error.
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
    return orjson.loads(answer) if answer else None  # void is null in SQL, and empty in PL/pgSQL


def _parameter(value: object) -> bytes | None:
    """Return a value in Postgres' text format; the function's signature defines its type."""
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


def without_nul(value: object) -> object:
    """Return decoded JSON without the character NUL: Postgres cannot store it, and it is invisible."""
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, list):
        return [without_nul(item) for item in value]
    if isinstance(value, dict):
        return {key.replace("\0", ""): without_nul(item) for key, item in value.items()}
    return value


def _call_until(deadline: float, statement: bytes, values: list[bytes | None]) -> bytes | None:
    maybe_executed = False
    is_repeated = False
    delay = _FIRST_DELAY
    while True:
        try:
            return _call_once(max(deadline - monotonic(), 0.05), statement, values)
        except psycopg.Error as error:
            # A function that waited for a migration still calls what was dropped; its new text does not.
            if error.sqlstate == _UNDEFINED_FUNCTION and not is_repeated:
                is_repeated = True
                continue
            _raise_if_permanent(error)
            # Without a connection nothing was sent. After a broken connection the statement may have arrived.
            maybe_executed = maybe_executed or not isinstance(error, PoolTimeout)
            if monotonic() + delay >= deadline:
                kind = _Busy if _has_answered(error) else DatabaseUnavailable
                raise kind(_reason(error), maybe_executed=maybe_executed) from None
        sleep(delay)
        delay *= 2


def _raise_if_permanent(error: psycopg.Error) -> None:
    """Raise errors that a retry cannot fix."""
    code = error.sqlstate or ""
    if code in _NOT_READY:
        raise _Busy(_reason(error), maybe_executed=True) from None
    if code and _is_ours(code):
        raise Refusal(code, error.diag.message_primary or "") from None
    if not isinstance(error, psycopg.OperationalError) and not code.startswith(_INTERNAL):
        raise error


def _has_answered(error: psycopg.Error) -> bool:
    code = error.sqlstate or ""
    return code.startswith(_TRANSIENT) and not code.startswith("57P")  # 57P0x: shutting down or starting up


def _call_once(timeout: float, statement: bytes, values: list[bytes | None]) -> bytes | None:
    pool = _connections()
    started = monotonic()
    connection = pool.getconn(timeout=timeout)
    if (waited := monotonic() - started) > BUSY_SECONDS:
        _log_busy(waited)
    if _was_closed(connection):  # while idle in the pool: nothing of this call was sent
        connection.close()
        pool.putconn(connection)
        pool.drain()
        raise PoolTimeout("the server closed the connection while it was idle")
    try:
        answer = _execute(connection, statement, values)
    except psycopg.OperationalError:
        if connection.info.transaction_status is TransactionStatus.ACTIVE:  # its answer may still arrive
            connection.pgconn.finish()
        broken = connection.broken
        pool.putconn(connection)
        if broken:  # the server is gone, and with it the other connections in the pool
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
    """Whether the server closed an idle connection; polls the socket, without a round trip."""
    if not connection.poller.poll(0):
        return False
    try:
        connection.pgconn.consume_input()  # perhaps a notice; the end of the connection raises
    except psycopg.OperationalError:
        return True
    return connection.pgconn.status != ConnStatus.OK


def _execute(connection: _Connection, statement: bytes, values: list[bytes | None]) -> bytes | None:
    """Run one statement that returns one value, without a cursor.

    A cursor is half of the client's CPU per call, psycopg's generators a quarter (docs/performance.md).

    Raises:
        psycopg.Error: the server's error, or no answer within ANSWER_SECONDS.
    """
    pgconn = connection.pgconn
    pgconn.send_query_params(statement, values)
    if pgconn.flush():  # the socket buffer is full
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
    """Whether a code is one of ours: the standard reserves 0-4 and A-H, Postgres uses F, H, P and X."""
    return sqlstate[0] in "IJKLMNOQRSTUVWYZ"


def _reason(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
