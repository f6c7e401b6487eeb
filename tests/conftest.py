"""Shared fixtures: one Postgres, one migrated database and one running stack for each worker of a run.

The database is made once; all workers copy its data.

Each test starts from the rows with which the run began (known_database.py), and fake servers that recorded
nothing. Global changes of a test (a fault, the clock, a setting) are restored after it.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
from psycopg.pq import ExecStatus

from shared.core import db
from tests import distribution, known_database, sql_results
from tests.first_server import (
    BACKEND_PASSWORD,
    MIGRATED,
    base_folder,
    new_server,
    remove_first_server,
    start_copy,
)
from tests.fork_server import fork_server
from tests.support import Connections, calls_with_preview, dead_buttons, eventually
from tools.database import admins, result_types
from tools.database.embedded import SUPERUSER, Server
from tools.emulator.stack import Stack
from tools.emulator.telegram.users import TelegramUser

FUNCTIONS = {
    "telegram": "tests/functions/telegram.py",
    "payments": "tests/functions/payments.py",
    "generations": "tests/functions/generations.py",
    "scheduled": "tests/functions/scheduled.py",
    "console": "tests/functions/console.py",
}
ADMIN = "olga@example.com"
# On a busy machine an example takes longer than usual, and that says nothing about the code.
hypothesis.settings.register_profile(
    "suite", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("suite")
RETRY_SCALE = 0.05  # Telegram's pauses between deliveries, shortened


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without garbage collection, which took a quarter of that time; each worker collects all tests.

    What was collected lasts as long as the run, so later garbage collections leave it out.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that kill a function as slow: each waits until it has started again."""
    for item in items:
        if "_killed_" in item.name.partition("[")[0] and "browser" not in item.keywords:
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin with the longest files where the tests are distributed."""
    if hasattr(session.config, "workerinput"):
        distribution.sort_longest_first(session.items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Distribute files as `distribution` says."""
    return distribution.scheduling(config, log) if config.option.dist == "loadfile" else None


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their parameter: workers must collect the same names, and gzip holds the time."""
    return argname if isinstance(val, bytes) else None


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run of the whole suite in which a function that Python calls returned nothing to check.

    First of all plugins: pytest's own hook unlocks the folder of this run's temporary files, and from then on
    another run that ends deletes it, with the names of the functions that were seen.
    """
    config = session.config
    if not hasattr(config, "workerinput"):
        remove_first_server(config)
    is_whole = (
        config.args_source is pytest.Config.ArgsSource.TESTPATHS
        and "not slow" in config.option.markexpr
        and not config.option.keyword
    )
    if hasattr(config, "workerinput") or not is_whole or config.option.collectonly:
        return
    unseen = result_types.called_functions() - sql_results.seen_functions(base_folder(config))
    if unseen:
        sys.stdout.write(f"\nNo test saw a result of these SQL functions: {', '.join(sorted(unseen))}\n")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def server(pytestconfig: pytest.Config) -> Iterator[Server]:
    """Postgres with the rights of an older Supabase project (generous), and the database `migrated`."""
    server = new_server()
    try:
        start_copy(pytestconfig, server)
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def database_url(server: Server) -> str:
    """The migrated database with the demonstration set of products, as its superuser."""
    return server.url(MIGRATED, SUPERUSER)


@pytest.fixture(scope="session")
def backend_url(server: Server, database_url: str) -> str:
    """The same database, as the role the functions have."""
    return server.url(MIGRATED, "bot_backend", BACKEND_PASSWORD)


@pytest.fixture(scope="session", autouse=True)
def results_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where processes report results of SQL functions that differ from their headers."""
    folder = tmp_path_factory.mktemp("sql_results")
    os.environ[sql_results.FOLDER] = str(folder)
    return folder


@pytest.fixture(scope="session")
def one_stack(backend_url: str) -> Iterator[Stack]:
    stack = make_stack(backend_url)
    stack.start()
    # A message has its date in whole seconds. One of the second in which the functions started may have been
    # delivered before: without a database it would be answered with 503.
    time.sleep(1 - time.time() % 1)
    yield stack
    stack.stop()


def make_stack(backend_url: str, owner_url: str | None = None, **env: str) -> Stack:
    """The product's functions with a second bot and a few broken handlers beside the assistant."""
    return Stack(
        backend_url,
        functions=FUNCTIONS,
        env={
            "RESPONSE_TIMEOUT": "5",
            "THREADS": "60",
            "ADMIN_TELEGRAM_IDS": "777000111",
            "PRIVACY_URL": "https://example.com/privacy",
            sql_results.FOLDER: os.environ[sql_results.FOLDER],
            **env,
        },
        bots=("assistant", "second", "example", "spin", "quiz"),
        retry_scale=RETRY_SCALE,
        owner_url=owner_url,
        launch=fork_server().start,
    )


@pytest.fixture(autouse=True)
def known_rows(request: pytest.FixtureRequest) -> None:
    """Start each test that has the database from the known rows, and from fake servers without records."""
    if "database_url" not in request.fixturenames:
        return
    if "one_stack" in request.fixturenames:
        stack = request.getfixturevalue("one_stack")
        calm(stack)
        stack.fake_servers.forget()
        stack.telegram.forget()
        for bot in stack.telegram.state.bots.values():
            bot.webhook.last_error_date = bot.webhook.last_error_message = None
    with request.getfixturevalue("connections").one() as connection:
        known_database.restore(connection)


@pytest.fixture(autouse=True)
def no_pool_left() -> Iterator[None]:
    """Close what a test opened in its own process: the next one may have another database."""
    yield
    if db.pool_state() is not None:
        db.close()


@pytest.fixture
def stack(one_stack: Stack, results_folder: Path, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """The running stack, without faults before and after; a failing test prints the logs of the functions."""
    yield one_stack
    assert not sql_results.reported_faults(results_folder), "results differ from the headers of SQL functions"
    if "browser" not in request.keywords:  # those tests call the Bot API themselves
        assert not calls_with_preview(one_stack.telegram.calls)
        assert not dead_buttons(one_stack.telegram.calls)
    if request.session.testsfailed:
        for name, function in one_stack.functions.items():
            quiet = ('"severity":"DEBUG"', '"type":"probe"')
            lines = [
                line for line in function.raw_log.splitlines() if not any(word in line for word in quiet)
            ]
            sys.stdout.write(f"--- {name} ---\n" + "\n".join(lines[-100:])[-6000:] + "\n")
    calm(one_stack)


def calm(stack: Stack) -> None:
    """Clear all faults and wait until no request is in progress."""
    stack.database.up()
    stack.database.clear()
    stack.fake_servers.clear()
    stack.telegram.faults.clear()
    stack.telegram.hold(False)
    for bot in ("assistant", "second"):
        stack.telegram.drop_pending(bot)
    stack.telegram.idle(10)
    stack.payments.settled(10)
    if not stack.database.was_disturbed:
        return
    stack.database.was_disturbed = False
    # The circuit breaker lets one call probe now and then: an invalid body shows when it is closed again.
    eventually(lambda: stack.telegram.deliver(b"probe", "second").status == 200, 20)
    eventually(lambda: stack.payments["fake"].probe().status == 200, 20)


@pytest.fixture(scope="session")
def connections(database_url: str) -> Iterator[Connections]:
    """Connections as superuser."""
    kept = Connections(database_url)
    yield kept
    kept.close()


@pytest.fixture(scope="session")
def backend_connections(backend_url: str) -> Iterator[Connections]:
    """Connections as the role the functions have."""
    kept = Connections(backend_url)
    yield kept
    kept.close()


@pytest.fixture
def sql(connections: Connections) -> Iterator[Callable[..., Any]]:
    """Run one statement as superuser: `sql("select …", value)` returns the rows as dictionaries."""
    with connections.one() as connection:

        def run(statement: str, *values: Any) -> list[dict[str, Any]]:
            cursor = connection.cursor(row_factory=psycopg.rows.dict_row).execute(statement, values)
            # "select from …" answers with rows that have no columns, and so has no description either.
            result = cursor.pgresult
            return cursor.fetchall() if result and result.status == ExecStatus.TUPLES_OK else []

        yield run


@pytest.fixture
def call(backend_connections: Connections) -> Callable[..., Any]:
    """Call a function of the API as the functions do: `call("name", value, p_name=value)`.

    Its result is checked against its header. Calls at once have connections of their own.
    """

    def run(function: str, *values: Any, **named: Any) -> Any:
        with backend_connections.one() as connection:
            return sql_results.call(connection, function, *values, **named)

    return run


@pytest.fixture
def appoint(stack: Stack, database_url: str) -> Callable[..., TelegramUser]:
    """Make a new user the only admin: `appoint("en")`, who writes in that language."""

    def appoint(language: str = "en") -> TelegramUser:
        user = stack.telegram.user("Olga", language)
        admins.write(database_url, {"ADMIN_EMAILS": ADMIN, "ADMIN_TELEGRAM_IDS": str(user.id)})
        return user

    return appoint


@pytest.fixture
def clock(sql: Callable[..., Any]) -> Iterator[Callable[[str], None]]:
    """Move the database's time: `clock("timestamptz '2026-11-21 20:59:59+00'")`, an SQL expression."""
    original = sql("select pg_get_functiondef('private.clock'::regproc) as text")[0]["text"]

    def set_to(expression: str) -> None:
        sql(original.replace("clock_timestamp()", expression))

    yield set_to
    sql(original)
