"""The page /database: how the database stands, for owners. It only reads."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from shared.core import db, texts
from shared.core.texts import figures
from shared.web import charts
from shared.web.access import Access
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import (
        AdminHealthFigures,
        AdminHealthLines,
        DatabaseOverviewBackups,
        MigrationHistoryRuns,
        OwnerDatabase,
    )
    from shared.web.visit import Visit

PATH = "/database"
_DRAWN = ("size_megabytes", "connections_percent", "outbox_minutes")  # lines of the last 30 days


def show(visit: Visit) -> Response:
    """Show the database."""
    found: OwnerDatabase = db.call("owner_database", p_actor_id=visit.user.user_id)
    overview, health = found["overview"], found["health"]
    return visit.render(
        "admin/database.html",
        overview=overview,
        size=figures.number(visit.language, Decimal(overview["megabytes"])),
        half_done=", ".join(overview["half_done"]),
        measured=visit.date(health["at"], with_time=True) if health["at"] else "",
        # What is bad comes first.
        figures=[_figure(visit, one) for one in sorted(health["figures"], key=lambda one: not one["is_bad"])],
        bad=sum(one["is_bad"] for one in health["figures"]),
        charts=[_line(visit, kind, points) for kind in _DRAWN if (points := health["lines"].get(kind))],
        runs=[_run(visit, one) for one in found["history"]["runs"]],
        backups=[_backup(visit, one) for one in overview["backups"]],
    )


def _name(visit: Visit, kind: str) -> str:
    key = f"health_{kind}"
    return visit.text(key) if texts.has(visit.language, key) else kind


def _figure(visit: Visit, one: AdminHealthFigures) -> JsonObject:
    def written(value: str | None) -> str:
        return "—" if value is None else figures.number(visit.language, _short(Decimal(value)))

    return {
        "name": _name(visit, one["kind"]),
        "value": written(one["value"]),
        "most": written(one["most"]),
        "names": ", ".join(one["names"]),
        "is_bad": one["is_bad"],
        "since": visit.date(one["alerted_at"], with_time=True) if one["alerted_at"] else "",
    }


def _short(value: Decimal) -> Decimal:
    """Return a number without zeros behind its last place."""
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value.normalize()


def _line(visit: Visit, kind: str, points: list[AdminHealthLines]) -> str:
    return charts.lines(
        charts.Chart(
            _name(visit, kind),
            [visit.date(one["at"], with_time=True) for one in points],
            [charts.Series(_name(visit, kind), [float(one["value"]) for one in points], 1)],
            visit.text("database_at"),
            visit.text("database_table"),
            visit.language,
        )
    )


def _run(visit: Visit, one: MigrationHistoryRuns) -> JsonObject:
    return {
        "at": visit.date(one["started_at"], with_time=True),
        "kind": one["kind"],
        "outcome": one["outcome"],
        "actor": one["actor"],
        "seconds": "" if one["milliseconds"] is None else _seconds(visit, one["milliseconds"]),
        "versions": " → ".join(dict.fromkeys(filter(None, (one["from_version"], one["to_version"])))),
        "steps": len(one["steps"]),
        "error": one["sqlstate"] or "",
    }


def _seconds(visit: Visit, milliseconds: int) -> str:
    return figures.number(visit.language, (Decimal(milliseconds) / 1000).quantize(Decimal("0.1")))


def _backup(visit: Visit, one: DatabaseOverviewBackups) -> JsonObject:
    return {
        "at": visit.date(datetime.fromisoformat(one["taken_at"]), with_time=True),
        "version": one["version"],
        "megabytes": figures.number(
            visit.language, (Decimal(one["bytes"]) / 1_000_000).quantize(Decimal("0.1"))
        ),
        "kept_for": visit.text(f"database_kept_{one['kept_for']}"),
        "verified": visit.date(one["verified_at"], with_time=True) if one["verified_at"] else "",
    }


pages = (Page(PATH, show, access=Access.OWNER),)
