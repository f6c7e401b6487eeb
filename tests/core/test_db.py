"""Calls of SQL functions: retries in a short outage, circuit breaker in a long one, errors, the pool."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from shared.core import config, db
from shared.core.errors import DatabaseUnavailable, Refusal
from tests.support import eventually
from tools.emulator.database import Database


@pytest.fixture
def proxy(backend_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Return a proxy to the database that can be cut; the process has no connections yet."""
    proxy = Database(backend_url)
    monkeypatch.setenv("DATABASE_URL", proxy.url)
    monkeypatch.setenv("BOT_TOKENS", json.dumps({"assistant": "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}))
    monkeypatch.setenv("TELEGRAM_WEBHOOK_SECRET", "webhook-secret-of-tests")
    monkeypatch.setenv("USER_HASH_KEY", "a-key-of-at-least-32-characters-for-tests")
    monkeypatch.setattr(db, "_pool", None)
    monkeypatch.setattr(db, "_circuit", db._Circuit())
    config.settings.cache_clear()
    yield proxy
    if db._pool is not None:
        db._pool.close(timeout=1)
    proxy.down()
    config.settings.cache_clear()


def test_a_function_answers_with_its_json(proxy: Database) -> None:
    assert db.call("stale_updates", p_limit=0) == []
    assert db.call("record_deliveries", p_results=[{"id": -1, "outcome": "sent"}]) == {"dropped": 0}


def test_connections_are_kept(proxy: Database) -> None:
    for _ in range(20):
        db.call("stale_updates", p_limit=1)
    assert db._pool is not None
    assert db._pool.get_stats()["connections_num"] <= 2


def test_a_database_that_was_never_reached_is_reported_as_such(proxy: Database) -> None:
    proxy.down()
    started = time.monotonic()
    with pytest.raises(DatabaseUnavailable) as caught:
        db.call("stale_updates", p_limit=1)
    assert not caught.value.maybe_executed
    assert time.monotonic() - started < db.RETRY_SECONDS + 1


def test_a_connection_closed_while_idle_is_detected_before_sending(proxy: Database) -> None:
    db.call("stale_updates", p_limit=1)
    proxy.down()
    time.sleep(0.1)
    with pytest.raises(DatabaseUnavailable) as caught:
        db.call("stale_updates", p_limit=1)
    assert not caught.value.maybe_executed


def test_a_statement_that_may_have_been_executed_is_reported_as_such(proxy: Database) -> None:
    db.call("stale_updates", p_limit=1)
    proxy.on("stale_updates", when="after", do=proxy.down, times=1)
    with pytest.raises(DatabaseUnavailable) as caught:
        db.call("stale_updates", p_limit=1)
    assert caught.value.maybe_executed


def test_a_cut_connection_is_repaired_within_the_call(proxy: Database) -> None:
    db.call("stale_updates", p_limit=1)
    proxy.on("stale_updates", when="before", do="cut")
    assert db.call("stale_updates", p_limit=0) == []


def test_after_a_failure_calls_fail_at_once_and_recover_by_themselves(
    proxy: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "RETRY_SECONDS", 0.3)
    monkeypatch.setattr(db, "CIRCUIT_SECONDS", 0.5)
    proxy.down()
    with pytest.raises(DatabaseUnavailable):
        db.call("stale_updates", p_limit=1)
    started = time.monotonic()
    with pytest.raises(DatabaseUnavailable) as caught:
        db.call("stale_updates", p_limit=1)
    assert time.monotonic() - started < 0.1
    assert not caught.value.maybe_executed
    proxy.up()
    deadline = time.monotonic() + 15
    while True:
        try:
            assert db.call("stale_updates", p_limit=0) == []
            break
        except DatabaseUnavailable:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_a_short_outage_is_retried(proxy: Database) -> None:
    db.call("stale_updates", p_limit=1)
    proxy.down()
    threading.Timer(0.7, proxy.up).start()
    assert db.call("stale_updates", p_limit=0) == []


def test_many_threads_share_few_connections(proxy: Database) -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(10):
                db.call("stale_updates", p_limit=1)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert db._pool is not None
    assert db._pool.get_stats()["pool_max"] == 10


def test_a_call_that_waited_for_a_migration_is_repeated_with_the_new_function(
    proxy: Database, sql: Callable[..., list[dict[str, object]]], database_url: str
) -> None:
    """It still runs the old text, which calls what the migration dropped."""
    text = (
        "create or replace function public.migrated_for_test() returns json language plpgsql "
        "security definer as $$ begin perform from public.migrated_for_test; return {}; end $$"
    )
    sql("create table public.migrated_for_test ()")
    sql("create function private.dropped_for_test() returns json language sql return '1'::json")
    sql(text.format("private.dropped_for_test()"))
    sql("grant execute on function public.migrated_for_test to bot_backend")
    try:
        with psycopg.connect(database_url) as migration, ThreadPoolExecutor() as pool:
            migration.execute("lock table public.migrated_for_test")
            migration.execute("drop function private.dropped_for_test()")
            migration.execute(text.format("'2'").encode())
            answer = pool.submit(db.call, "migrated_for_test")
            eventually(lambda: sql("select from pg_locks where not granted"), 5)
            migration.commit()
            assert answer.result() == 2
        sql(text.format("private.dropped_for_test()"))
        with pytest.raises(DatabaseUnavailable):
            db.call("migrated_for_test")
    finally:
        sql("drop function public.migrated_for_test")
        sql("drop table public.migrated_for_test")


def test_a_refusal_carries_its_code(proxy: Database, sql: object) -> None:
    run = sql
    run(  # type: ignore[operator]
        "create function public.refuse_for_test() returns json language plpgsql security definer as "
        "$$ begin raise exception 'no' using errcode = 'S0001'; end $$"
    )
    run("grant execute on function public.refuse_for_test to bot_backend")  # type: ignore[operator]
    try:
        with pytest.raises(Refusal) as caught:
            db.call("refuse_for_test")
        assert (caught.value.sqlstate, str(caught.value)) == ("S0001", "no")
    finally:
        run("drop function public.refuse_for_test")  # type: ignore[operator]


EXHAUSTED = "(ECHECKOUTTIMEOUT) unable to check out connection from the pool after 5000ms in Transaction mode"


@pytest.fixture
def exhausted(sql: Callable[..., object]) -> Iterator[Callable[[int], None]]:
    """Return a function that fails the given number of times as Supavisor does without a free server."""
    sql("create sequence public.tries_for_test")

    def refuse(times: int) -> None:
        sql(
            "create function public.exhausted_for_test() returns json language plpgsql security definer as "
            f"$$ begin if nextval('public.tries_for_test') <= {times} then "
            f"raise exception '{EXHAUSTED}' using errcode = 'XX000'; end if; return '[]'; end $$"
        )
        sql("grant execute on function public.exhausted_for_test to bot_backend")

    yield refuse
    sql("drop function public.exhausted_for_test")
    sql("drop sequence public.tries_for_test")


def test_an_exhausted_pooler_is_retried(proxy: Database, exhausted: Callable[[int], None]) -> None:
    exhausted(3)
    assert db.call("exhausted_for_test") == []


def test_a_pooler_that_stays_exhausted_is_a_database_that_is_busy(
    proxy: Database, exhausted: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "RETRY_SECONDS", 0.3)
    exhausted(1000)
    with pytest.raises(DatabaseUnavailable, match="ECHECKOUTTIMEOUT") as caught:
        db.call("exhausted_for_test")
    assert caught.value.maybe_executed
    assert not db.is_failing()
    assert db.call("stale_updates", p_limit=0) == []


def lines(capsys: pytest.CaptureFixture[str], action: str) -> list[dict[str, object]]:
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    return [line for line in found if line["action"] == action]


def test_a_long_wait_for_a_connection_is_logged_once_with_the_pools_figures(
    proxy: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(db, "BUSY_SECONDS", 0.1)
    monkeypatch.setattr(db, "_busy_logged_at", -db.BUSY_EVERY)
    monkeypatch.setenv("DATABASE_POOL_SIZE", "1")
    config.settings.cache_clear()
    db.call("stale_updates", p_limit=0)
    pool = db._connections()
    for _ in range(2):
        held = pool.getconn()
        threading.Timer(0.4, pool.putconn, [held]).start()
        db.call("stale_updates", p_limit=0)
    (line,) = lines(capsys, "pool_busy")
    assert line["severity"] == "WARNING"
    assert isinstance(line["ms"], int)
    assert line["ms"] >= 100
    assert line["pool"]["pool_max"] == 1  # type: ignore[index]


def test_a_failure_is_logged_with_the_pools_figures_and_the_reason(
    proxy: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(db, "RETRY_SECONDS", 0.5)
    db.call("stale_updates", p_limit=0)
    proxy.down()
    with pytest.raises(DatabaseUnavailable):
        db.call("stale_updates", p_limit=0)
    (line,) = lines(capsys, "database_unavailable")
    assert line["pool"]["connections_errors"] >= 1  # type: ignore[index]
    assert str(line["connect_error"]).startswith("connection failed")
    assert db.is_failing()


def test_after_closing_nothing_is_left_and_the_next_call_connects_again(proxy: Database) -> None:
    db.call("stale_updates", p_limit=0)
    pool = db._pool
    db.close()
    db.close()
    assert pool is not None
    assert pool.closed
    assert db.pool_state() is None
    assert db.call("stale_updates", p_limit=0) == []


def test_the_connection_returned_last_is_used_next(proxy: Database) -> None:
    db.call("stale_updates", p_limit=0)
    pool = db._connections()
    first, second = pool.getconn(), pool.getconn()
    pool.putconn(second)
    pool.putconn(first)
    assert pool.getconn() is first
    assert pool.getconn() is second
    pool.putconn(first)
    pool.putconn(second)
    assert pool.get_stats()["pool_available"] == 2


def test_an_expired_connection_is_replaced(proxy: Database) -> None:
    db.call("stale_updates", p_limit=0)
    pool = db._connections()
    old = pool.getconn()
    old._expire_at = 0
    pool.putconn(old)
    assert old.closed
    assert db.call("stale_updates", p_limit=0) == []


def test_a_missing_answer_times_out_and_closes_the_connection(
    proxy: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    db.call("stale_updates", p_limit=0)  # the first connection may take longer than what follows
    monkeypatch.setattr(db, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(db, "RETRY_SECONDS", 0.1)
    connection = db._connections().getconn()
    db._connections().putconn(connection)
    proxy.on("stale_updates", when="after", do=lambda: time.sleep(0.5), times=1)
    with pytest.raises(DatabaseUnavailable, match="no answer") as caught:
        db.call("stale_updates", p_limit=0)
    assert caught.value.maybe_executed
    assert connection.closed


def test_a_statement_that_the_kernel_takes_in_parts_arrives_whole(proxy: Database) -> None:
    results = [{"id": -1, "outcome": "sent", "error": "x" * 8_000_000}]
    assert db.call("record_deliveries", p_results=results) == {"dropped": 0}
