"""A pytest plugin: runs the tests once, then with each mutant those that call its function, until one fails.

One session holds the database and the functions for all mutants, so a killed one costs a part of a second.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest

from tests.mutation.areas import AREAS, FUNCTIONS
from tests.mutation.callers import Callers
from tests.mutation.mutants import Mutant, mutants

TIMEOUT = "alter database {} set statement_timeout = '20s'"  # a mutant may loop
_failed: list[pytest.TestReport] = []
_url: list[str] = []


@pytest.fixture(autouse=True, scope="session")
def mutated_database(database_url: str) -> Iterator[None]:
    """Note where the mutants go; limit the statements of all connections that tests open later."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(TIMEOUT.format(connection.info.dbname).encode())
    _url.append(database_url)
    yield


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """Draw the same examples for each mutant, and do not look for a smaller one that fails."""
    hypothesis.settings.register_profile(
        "mutation",
        hypothesis.settings.get_profile("suite"),
        derandomize=True,
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
    )
    hypothesis.settings.load_profile("mutation")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note failures, those of fixtures included."""
    if report.failed:
        _failed.append(report)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    """Run the tests with each mutant and write what survived."""
    items = list(session.items)
    # The first test makes the database; the second run of it counts.
    _run(items[:1])
    with psycopg.connect(_url[0], autocommit=True) as connection:
        found = _mutants()
        callers = Callers(connection, sorted({mutant.file for mutant in found}))
        for item in items:
            started = time.monotonic()
            _run([item])
            if _failed:
                sys.stdout.write(f"\n{_failed[0].longreprtext}\n")
                raise pytest.UsageError(f"the tests fail without any mutant: {_failed[0].nodeid}")
            callers.note(item, time.monotonic() - started)
        callers.restore()
        _run_mutants(connection, found, callers)
    return True


def _run_mutants(connection: psycopg.Connection[Any], found: list[Mutant], callers: Callers) -> None:
    survivors = []
    for number, mutant in enumerate(found, 1):
        started = time.monotonic()
        killer = _try(connection, mutant, callers)
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


def _mutants() -> list[Mutant]:
    area = AREAS[os.environ["MUTATION_AREA"]]
    return [
        mutant
        for file in area.files(os.environ["MUTATION_ONLY"].split())
        for mutant in mutants(str(file.relative_to(FUNCTIONS)), file.read_text(encoding="utf-8"))
    ]


def _try(connection: psycopg.Connection[Any], mutant: Mutant, callers: Callers) -> str | None:
    """Return the test that fails with a mutant; None when all pass."""
    original = (FUNCTIONS / mutant.file).read_text(encoding="utf-8")
    try:
        connection.execute(mutant.text.encode())
    except psycopg.Error:
        return "Postgres refuses it"
    try:
        killer = _killer(callers.of(mutant.file))
    finally:
        connection.execute(original.encode())
    if killer is not None:
        callers.prefer(killer)
    return killer


def _killer(items: list[pytest.Item]) -> str | None:
    """Return the first test that fails twice: on a busy machine one may fail without any mutant."""
    for item in items:
        if _run([item]) and _run([item]):
            return item.nodeid
    return None


def _run(items: list[pytest.Item]) -> str | None:
    """Run tests until one fails; return its name."""
    _failed.clear()
    for item in items:
        # The session as what comes next: fixtures of the test and its module end, those of the session stay.
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=item.session)
        if _failed:
            return _failed[0].nodeid
    return None
