"""Makes the page: one HTML file with its style, without scripts and without anything from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tools.database import states
from tools.database.health import Figure, number, words
from tools.database.report import drawing
from tools.database.report.reading import Column
from tools.database.runs import git_commit

FOLDER = Path(__file__).parent
MOST_MIGRATIONS = 40
BADGES = {
    0: ("in step", "good"), states.PENDING: ("pending", "warning"),
    states.EDITED: ("edited or unknown", "bad"), states.DRIFTED: ("changed by hand", "bad"),
    states.HALF_DONE: ("half done", "bad"), states.UNREACHABLE: ("unreachable", "bad"),
}  # fmt: skip


@dataclass(frozen=True)
class Tile:
    """One figure of the health."""

    title: str
    value: str
    most: str
    is_bad: bool
    names: Sequence[str]
    line: Markup | None


def render(columns: Sequence[Column], now: datetime | None = None) -> str:
    """Return the page."""
    moment = now or datetime.now(UTC)
    environment = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {
        "at": _at, "ago": lambda at: _ago(at, moment), "ms": _milliseconds, "mb": _megabytes,
        "version": lambda text: str(text or "").partition("_")[0],
    }  # fmt: skip
    return environment.get_template("page.html").render(
        columns=columns,
        badges={column.name: _badge(column) for column in columns},
        tiles={column.name: tiles(column, moment) for column in columns},
        migrations=migrations(columns),
        now=moment,
        commit=git_commit() or "",
        style=Markup((FOLDER / "style.css").read_text(encoding="utf-8")),  # noqa: S704 our own file
    )


def tiles(column: Column, now: datetime) -> list[Tile]:
    """Return the figures, those at their limit first, those that are not available last."""
    found = sorted(
        column.figures,
        key=lambda one: (not one.is_bad, one.value is None, one.kind not in column.lines, one.kind),
    )
    return [_tile(figure, column, now) for figure in found]


def migrations(columns: Sequence[Column]) -> list[dict[str, Any]]:
    """Return the newest migrations, each with when and how it was applied in the environments."""
    found: dict[str, dict[str, Any]] = {}
    for column in columns:
        for run in reversed(column.runs):
            for step in run["steps"]:
                _add_step(found, column.name, run, step)
        for one in column.state.pending:
            row = found.setdefault(one.version, {"version": one.version, "name": one.name, "in": {}})
            row["in"][column.name] = {"pending": True}
            row["name"] = one.name
    return [found[version] for version in sorted(found, reverse=True)[:MOST_MIGRATIONS]]


def _add_step(
    found: dict[str, dict[str, Any]], name: str, run: Mapping[str, Any], step: Mapping[str, Any]
) -> None:
    version = step["version"]
    row = found.setdefault(version, {"version": version, "name": step["name"] or "", "in": {}})
    row["name"] = row["name"] or step["name"] or ""
    cell = row["in"].setdefault(name, {"milliseconds": 0, "lock_waits": 0})
    if step["statement"] is None or step["statement"] == 1:
        cell = row["in"][name] = {"milliseconds": 0, "lock_waits": 0}
    cell |= {
        "pending": False,
        "at": run["started_at"],
        "kind": run["kind"],
        "outcome": step["outcome"],
        "statements": step["statements"],
        "milliseconds": cell["milliseconds"] + (step["milliseconds"] or 0),
        "lock_waits": cell["lock_waits"] + step["lock_waits"],
    }


def _tile(figure: Figure, column: Column, now: datetime) -> Tile:
    title, unit = words(figure.kind)
    value = "not available" if figure.value is None else number(figure.value, unit)
    most = "" if figure.most is None else number(figure.most, unit)
    line = column.lines.get(figure.kind)
    drawn = None
    if line:
        limit = None if figure.most is None else float(figure.most)
        highest = max(value for _, value in line)
        drawn = drawing.draw(line, limit, now, f"{title}, 30 days, at most {highest:,.1f} {unit}".rstrip())
    return Tile(title, value, most, figure.is_bad, figure.names, drawn)


def _badge(column: Column) -> tuple[str, str]:
    return BADGES.get(column.state.exit_status, ("not readable", "bad"))


def _at(value: str | datetime | None) -> str:
    if value is None:
        return "-"
    return f"{_time(value):%Y-%m-%d %H:%M} UTC"


def _ago(value: str | datetime, now: datetime) -> str:
    age = now - _time(value)
    for name, length in (
        ("day", timedelta(days=1)),
        ("hour", timedelta(hours=1)),
        ("minute", timedelta(minutes=1)),
    ):
        count = age // length
        if count >= 1:
            return f"{count} {name}{'' if count == 1 else 's'} ago"
    return "just now"


def _time(value: str | datetime) -> datetime:
    return (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(UTC)


def _milliseconds(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f} ms" if value < 1000 else f"{value / 1000:.1f} s"


def _megabytes(value: float) -> str:
    return f"{float(value) / 1_000_000:,.1f} MB"


def hide(html: str, secrets: Iterable[str]) -> str:
    """Return the page without passwords, whatever an error said."""
    import io

    from tools.database.output import Redacting

    return Redacting(io.StringIO(), secrets).hide(html)
