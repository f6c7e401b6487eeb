"""A pytest plugin: runs the selected tests once, then again with each mutant until one fails.

One session holds the database and the functions for all mutants, so a killed one costs a second or two.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.mutation.areas import AREAS, FUNCTIONS
from tests.mutation.mutants import Mutant, mutants

TIMEOUT = "alter database {} set statement_timeout = '20s'"  # a mutant may loop
_failed: list[str] = []
_url: list[str] = []


@pytest.fixture(autouse=True, scope="session")
def mutated_database(database_url: str) -> Iterator[None]:
    """Note where the mutants go."""
    _url.append(database_url)
    yield


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note failures, those of fixtures included."""
    if report.failed:
        _failed.append(report.nodeid)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    """Run the tests with each mutant and write what survived."""
    items = list(session.items)
    _run(items)
    if _failed:
        raise pytest.UsageError(f"the tests fail without any mutant: {', '.join(_failed)}")
    survivors = []
    with psycopg.connect(_url[0], autocommit=True) as connection:
        connection.execute(TIMEOUT.format(connection.info.dbname).encode())
        for number, mutant in enumerate(found := _mutants(), 1):
            started = time.monotonic()
            killer = _try(connection, mutant, items)
            if killer is None:
                survivors.append({"name": mutant.name, "line": mutant.line})
            seconds = time.monotonic() - started
            sys.stdout.write(
                f"\n[{number}/{len(found)}] {mutant.name}: {killer or 'SURVIVED'} ({seconds:.1f} s)\n"
            )
            sys.stdout.flush()
            Path(os.environ["MUTATION_REPORT"]).write_text(
                json.dumps({"mutants": number, "of": len(found), "survivors": survivors}, ensure_ascii=False),
                encoding="utf-8",
            )
    return True


def _mutants() -> list[Mutant]:
    area = AREAS[os.environ["MUTATION_AREA"]]
    only = os.environ.get("MUTATION_ONLY", "")
    return [
        mutant
        for file in area.files()
        if only in str(file)
        for mutant in mutants(str(file.relative_to(FUNCTIONS)), file.read_text(encoding="utf-8"))
    ]


def _try(connection: psycopg.Connection[Any], mutant: Mutant, items: list[pytest.Item]) -> str | None:
    """Return the test that fails with a mutant; None when all pass."""
    original = (FUNCTIONS / mutant.file).read_text(encoding="utf-8")
    try:
        connection.execute(mutant.text.encode())
    except psycopg.Error:
        return "Postgres refuses it"
    try:
        killer = _run(items)
    finally:
        connection.execute(original.encode())
    if killer is not None:
        # It fails with similar mutants, too: try it first.
        items.sort(key=lambda item: item.nodeid != killer)
    return killer


def _run(items: list[pytest.Item]) -> str | None:
    """Run tests until one fails; return its name."""
    _failed.clear()
    for number, item in enumerate(items):
        # There is always a next test, or the session's fixtures would be torn down.
        following = items[(number + 1) % len(items)]
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if _failed:
            return _failed[0]
    return None
