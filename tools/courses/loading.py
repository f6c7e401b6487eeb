"""Writes courses of folders into a database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from shared.features.courses import library
from tools.database import connections

_WORDS = {
    "new": "new", "updated": "updated", "unchanged": "unchanged",
    "edited": "EDITED in the console, left as it is (--overwrite replaces it)",
    "no_file": "has no file, left as it is",
}  # fmt: skip


def in_order(folders: Sequence[Path]) -> list[Path]:
    """Return folders of courses so that each stands behind the one that sells the product it recommends.

    Raises:
        InvalidCourse: a folder breaks the format, or courses recommend each other.
    """
    courses = {folder: library.read(folder) for folder in folders}
    sellers = {offer["product_key"]: folder for folder in folders for offer in courses[folder]["offers"]}
    order: TopologicalSorter[Path] = TopologicalSorter()
    for folder in folders:
        seller = sellers.get(courses[folder]["next_product_key"] or "")
        order.add(folder, *([seller] if seller not in (None, folder) else []))
    try:
        return list(order.static_order())
    except CycleError as error:
        names = ", ".join(sorted({path.name for path in error.args[1]}))
        raise library.InvalidCourse([f"{names}: they recommend each other with next_product"]) from None


def load(url: str, folder: Path, *, overwrites: bool = False, is_on_sale: bool = False) -> list[str]:
    """Load one course; return what happened, a line each.

    Raises:
        InvalidCourse: the folder breaks the format; nothing is written.
        AddressError, psycopg.Error: of the database.
    """
    course = library.read(folder)
    with connections.connect(url, "courses") as connection, connections.as_owner(connection):
        result = _call(connection, Jsonb(course), overwrites, is_on_sale)
    return report(folder.name, result)


def _call(connection: psycopg.Connection, course: Jsonb, overwrites: bool, is_on_sale: bool) -> Any:
    row = connection.execute(
        "select private.load_course(%s, %s, %s)", (course, overwrites, is_on_sale)
    ).fetchone()
    assert row is not None
    return row[0]


def report(slug: str, result: Mapping[str, Any]) -> list[str]:
    """Return the result of private.load_course as lines."""
    lines = [f"{slug}: {_WORDS[result['course']]}"]
    lines += [f"  {one['slug']}: {_WORDS[one['outcome']]}" for one in result["lessons"]]
    if result["products"]:
        lines.append(f"  new products: {', '.join(result['products'])}")
    return lines
