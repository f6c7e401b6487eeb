"""Compare every result of an API function that a test sees with the shape its header declares.

A test's own calls go through `call`; the functions of a stack report through `wrap`, because they are other
processes. What they report is files in one folder: `faults` and, for each process, the names it called.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from tools.database.headers import Shapes

FOLDER = "SQL_RESULTS_FOLDER"  # an environment variable, for the functions of a stack
_seen: set[str] = set()


def call(connection: psycopg.Connection[Any], function: str, *values: Any, **named: Any) -> Any:
    """Call `public.<function>` by position or name, check its result and return it."""
    marks = ", ".join([*("%s" for _ in values), *(f"{name} => %s" for name in named)])
    given = [Jsonb(v) if isinstance(v, dict | list) else v for v in (*values, *named.values())]
    row = connection.execute(f"select public.{function}({marks})".encode(), given).fetchone()
    assert row is not None
    faults = faults_of(function, row[0])
    assert not faults, "the result differs from the header: " + "; ".join(faults)
    return row[0]


def faults_of(function: str, result: Any) -> list[str]:
    """Compare one result with its header, and remember that it was seen."""
    if function not in _seen:
        _seen.add(function)
        if folder := os.environ.get(FOLDER):
            with (Path(folder) / f"seen-{os.getpid()}").open("a", encoding="utf-8") as file:
                file.write(f"{function}\n")
    shapes = _shapes()
    known = shapes.functions.get(f"public.{function}")
    if known is None or known.shape is None:
        return []
    return shapes.faults(f"public.{function}", result)


def wrap(call_function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `db.call` with a check of each result, whose faults the fixture `stack` finds."""

    @functools.wraps(call_function)
    def checked(function: str, **parameters: Any) -> Any:
        result = call_function(function, **parameters)
        if (faults := faults_of(function, result)) and (folder := os.environ.get(FOLDER)):
            with (Path(folder) / "faults").open("a", encoding="utf-8") as file:
                file.write("".join(f"{fault}\n" for fault in faults))
        return result

    return checked


def reported_faults(folder: Path) -> list[str]:
    """Return what the functions of stacks reported since the last call."""
    path = folder / "faults"
    if not path.exists():
        return []
    faults = path.read_text(encoding="utf-8").splitlines()
    path.unlink()
    return faults


def seen_functions(folder: Path) -> set[str]:
    """Return the names of all functions whose results were checked, by any process."""
    return {name for path in folder.rglob("seen-*") for name in path.read_text(encoding="utf-8").split()}


@functools.cache
def _shapes() -> Shapes:
    return Shapes()
