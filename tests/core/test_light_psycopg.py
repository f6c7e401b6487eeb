"""psycopg works without the modules that light_psycopg keeps out of its import."""

from __future__ import annotations

import subprocess
import sys

import pytest

EXEMPT = {"console": ("pydantic",)}


def _python(program: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120
    ).stdout.strip()


@pytest.mark.parametrize("function", ["telegram", "payments", "generations", "scheduled", "console"])
def test_a_cold_start_imports_no_asyncio(function: str) -> None:
    program = (
        "import sys, functions_framework; before = set(sys.modules);"
        f"import functions.{function}.main, shared.core.db;"
        "heavy = {'asyncio', 'subprocess', 'ctypes.util', 'psycopg_pool.pool_async', 'pydantic', 'openai'};"
        # The console reads forms into pydantic models; no update or callback waits for it.
        f"heavy -= set({EXEMPT.get(function, ())});"
        "print(sorted(heavy & (set(sys.modules) - before)))"
    )
    assert _python(program) == "[]"


def test_what_was_kept_out_can_be_imported_later() -> None:
    program = (
        "import shared.core.startup, ctypes, psycopg.pq.misc as used;"
        "print(used.ctypes.util.find_library.__module__);"
        "import asyncio, ctypes.util, psycopg_pool.pool_async;"
        "print(asyncio.Queue.__module__, asyncio.run(asyncio.sleep(0, 'slept')))"
    )
    assert _python(program).split("\n") == ["ctypes.util", "asyncio.queues slept"]


def test_queries_adapters_and_the_pool_work(database_url: str) -> None:
    program = (
        "import shared.core.startup, psycopg_pool, datetime, decimal, sys;"
        f"pool = psycopg_pool.ConnectionPool({database_url!r}, open=True);"
        "connection = pool.getconn();"
        "print(*connection.execute('select %s::date, %s::numeric, array[1, 2]',"
        " (datetime.date(2026, 1, 2), decimal.Decimal('1.5'))).fetchone());"
        "print('asyncio' in sys.modules); pool.putconn(connection); pool.close()"
    )
    assert _python(program).split("\n") == ["2026-01-02 1.5 [1, 2]", "False"]
