"""Reads how healthy a database is: the figures of the job `health`, and what was changed by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from tools.database import connections, identity, presence, snapshots
from tools.database.environments import Environment
from tools.database.errors import DatabaseToolError
from tools.database.output import coloured, table

BAD = 10  # exit status
CHANGES = "changes_by_hand"  # read exactly here; the database knows only whether something changed
FIGURES = "select f.kind, f.value, f.names, f.most, f.is_bad from private.health_figures() f order by f.kind"
UNITS = {"minutes": "min", "hours": "h", "percent": "%", "megabytes": "MB", "milliseconds": "ms"}


@dataclass(frozen=True)
class Figure:
    """One figure; its value is None where this database cannot tell it, its limit where there is none."""

    kind: str
    value: Decimal | None
    names: Sequence[str]
    most: Decimal | None
    is_bad: bool


def read(environment: Environment) -> list[Figure]:
    """Return the figures of an environment, as they are now.

    Raises:
        DatabaseToolError: its migrations are older than the figures.
    """
    with connections.connect(environment.require_url(), "health") as connection:
        identity.require(connection, environment)
        if not presence.has_function(connection, "private.health_figures"):
            raise DatabaseToolError(
                f"{environment.name} has no figures yet: ./switchboard database sync --on {environment.name}"
            )
        found = [Figure(*values) for values in connection.execute(FIGURES) if values[0] != CHANGES]
        changes = snapshots.changes(connection)
    drift = None if changes is None else Decimal(len(changes))
    names = [change.name for change in changes or ()][:5]
    return [*found, Figure(CHANGES, drift, names, Decimal(1), bool(changes))]


def lines(figures: Sequence[Figure]) -> list[str]:
    """Return the figures for a reader: value, limit, and the objects that they are about."""
    rows = [["", "now", "limit", ""]]
    for figure in figures:
        title, unit = words(figure.kind)
        rows.append([
            title,
            "not available" if figure.value is None else number(figure.value, unit),
            "-" if figure.most is None else number(figure.most, unit),
            ", ".join(figure.names),
        ])  # fmt: skip
    head, *rest = table(rows)
    marks = [coloured("✘", "bad") if figure.is_bad else " " for figure in figures]
    return [f"  {head}", *(f"{mark} {line}".rstrip() for mark, line in zip(marks, rest, strict=True))]


def words(kind: str) -> tuple[str, str]:
    """Return the title and the unit of a figure: "outbox", "min"."""
    what, _, last = kind.rpartition("_")
    unit = UNITS.get(last, "")
    return (what if unit else kind).replace("_", " "), unit


def number(value: Decimal, unit: str) -> str:
    """Return a value with its unit for a reader."""
    shown = f"{value:,.1f}".removesuffix(".0")
    return f"{shown} {unit}".rstrip()
