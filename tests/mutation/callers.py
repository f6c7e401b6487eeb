"""Finds out which tests call a SQL function: each function counts its calls while the tests run once."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.mutation.areas import FUNCTIONS

SCHEMA = "mutation"  # not one of those that the tests restore


def counting(text: str, sequence: str) -> str:
    """Return a function's text with a call of nextval at its beginning.

    An unlogged sequence shows a call at once, also of a stable function and in a transaction that is rolled
    back, and writes no WAL. pg_stat_user_functions leaves out functions that Postgres inlines.
    """
    head, body = text.split("as $$\n", 1)
    call = f"nextval('{sequence}')"
    if "\nlanguage sql\n" in head:
        return f"{head}as $$\nselect {call};\n{body}"
    declared = body.removeprefix("declare\n")
    return f"{head}as $$\ndeclare\n  v_call constant bigint := {call};\n{declared}"


class Callers:
    """The tests of each function, the quickest first, and earlier those that killed a mutant.

    While it counts, the functions are those of `counting`; `restore` puts the originals back.
    """

    def __init__(self, connection: psycopg.Connection[Any], files: list[str]) -> None:
        self._connection = connection
        self._files = files
        self._seconds: dict[pytest.Item, float] = {}
        self._callers: dict[str, set[pytest.Item]] = {file: set() for file in files}
        self._killers: set[str] = set()
        connection.execute(f"create schema {SCHEMA}".encode())
        connection.execute(f"grant usage on schema {SCHEMA} to public".encode())
        self._sequences = {file: f"{SCHEMA}.calls_{number}" for number, file in enumerate(files)}
        for file, sequence in self._sequences.items():
            connection.execute(f"create unlogged sequence {sequence}".encode())
            connection.execute(f"grant usage on sequence {sequence} to public".encode())
            connection.execute(counting(self._text(file), sequence).encode())

    def note(self, item: pytest.Item, seconds: float) -> None:
        """Note that a test has run, and which functions it called."""
        self._seconds[item] = seconds
        for file, sequence in self._sequences.items():
            name = sql.Identifier(*sequence.split("."))
            row = self._connection.execute(sql.SQL("select is_called from {}").format(name)).fetchone()
            if row and row[0]:
                self._callers[file].add(item)
                self._connection.execute("select setval(%s::regclass, 1, false)", [sequence])

    def restore(self) -> None:
        """Put the functions back that do not count."""
        for file in self._files:
            self._connection.execute(self._text(file).encode())
        self._connection.execute(f"drop schema {SCHEMA} cascade".encode())

    def of(self, file: str) -> list[pytest.Item]:
        """Return the tests that call a function; none when no test does."""
        return sorted(self._callers[file], key=self._order)

    def prefer(self, killer: str) -> None:
        """Try a test earlier from now on: it fails with similar mutants, too."""
        self._killers.add(killer)

    def _order(self, item: pytest.Item) -> float:
        """Return the test's time, a tenth of it if the test has killed a mutant."""
        return self._seconds[item] / (10 if item.nodeid in self._killers else 1)

    @staticmethod
    def _text(file: str) -> str:
        return (FUNCTIONS / file).read_text(encoding="utf-8")
