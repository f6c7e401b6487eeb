"""A broadcast: its editor while it is a draft, then its progress and its result."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from shared.core import texts
from shared.core.texts import figures
from shared.features.broadcasts.pages import common, editor, segments
from shared.web import charts
from shared.web.access import Access
from shared.web.page import Page, Policy

if TYPE_CHECKING:
    from flask import Response
    from markupsafe import Markup

    from shared.core.sql_types import GetBroadcast
    from shared.web.visit import Visit

_Figure = Literal["sent", "failed", "blocked", "unknown", "skipped", "deleted", "total", "clicked", "bought"]
_FIGURES: tuple[_Figure, ...] = ("sent", "failed", "blocked", "unknown", "skipped", "deleted")
_LIVE = ("freezing", "running")


def show(visit: Visit, number: int) -> Response:
    """Show the editor of a draft or of a step, or the result."""
    row = common.read_broadcast(visit, number)
    if row["status"] == "draft" or row["sequence_id"] is not None:
        return editor.page(visit, row)
    known = segments.choices(visit)
    done = sum(row[key] for key in _FIGURES[:5])
    return visit.render(
        "broadcasts/result.html",
        row=row,
        status_text=common.status_text(visit, dict(row)),
        kind=visit.text(f"broadcast_kind_{row['kind']}"),
        started=visit.date(row["started_at"], with_time=True) if row["started_at"] else "",
        tag=_tag(row),
        is_live=_is_live(row),
        progress=visit.text(
            "broadcast_done_of",
            done=figures.number(visit.language, done),
            total=figures.number(visit.language, row["total"]),
        ),
        part=charts.bar(done / row["total"] if row["total"] else 0),
        facts=[
            (visit.text(f"broadcast_figure_{key}"), figures.number(visit.language, row[key]))
            for key in _FIGURES
            if row[key] or key == "sent"
        ],
        clicked=_share(visit, row["clicked"], row["sent"]),
        bought=_share(visit, row["bought"], row["sent"]),
        hours=_hours(visit, row),
        buttons=_buttons(visit, row),
        previews=common.previews(visit, row["content"], row["kind"]),
        who=segments.in_words(visit, row["segment"], known),
    )


def state(visit: Visit, number: int) -> Response:
    """Return the state for the script of the page, which reloads the page when it changes."""
    row = common.read_broadcast(visit, number)
    return visit.json({"tag": _tag(row), "is_live": _is_live(row)})


def _is_live(row: GetBroadcast) -> bool:
    return row["status"] in _LIVE or row["is_deleting"]


def _tag(row: GetBroadcast) -> str:
    """Return what changes with everything that the page shows."""
    every: tuple[_Figure, ...] = (*_FIGURES, "total", "clicked", "bought")
    counts = "-".join(str(row[key]) for key in every)
    return f"{row['status']}-{counts}-{row['is_deleting']:d}"


def _share(visit: Visit, count: int, of: int) -> str:
    """Return a count with its percentage."""
    number = figures.number(visit.language, count)
    return visit.text("broadcast_share", count=number, percent=round(100 * count / of)) if of else number


def _hours(visit: Visit, row: GetBroadcast) -> Markup | None:
    if not row["hours"]:
        return None
    zone = ZoneInfo(visit.user.time_zone)
    return charts.bars(
        charts.Chart(
            title=visit.text("broadcast_by_hour"),
            labels=[f"{datetime.fromisoformat(one['at']).astimezone(zone):%H:%M}" for one in row["hours"]],
            series=[
                charts.Series(visit.text("broadcast_figure_sent"), [one["sent"] for one in row["hours"]]),
                charts.Series(
                    visit.text("broadcast_figure_clicked"), [one["clicked"] for one in row["hours"]], 2
                ),
            ],
            column=visit.text("broadcast_hour"),
            table=visit.text("web_as_table"),
            language=visit.language,
        )
    )


def _buttons(visit: Visit, row: GetBroadcast) -> Markup | None:
    content: dict[str, list[dict[str, dict[str, str]]]] = row["content"]
    buttons = content.get("buttons") or []
    if not buttons:
        return None
    clicks: dict[str, int] = row["clicks"]
    counts = [int(clicks.get(str(number), 0)) for number in range(len(buttons))]
    most = max([1, *counts])
    return charts.shares(
        visit.text("broadcast_by_button"),
        [
            (texts.pick(visit.language, button["texts"]), count / most, _share(visit, count, row["sent"]))
            for button, count in zip(buttons, counts, strict=True)
        ],
    )


pages = (
    Page(common.ONE, show, Policy(has_scripts=True), access=Access.ADMIN),
    Page(f"{common.ONE}/state", state, access=Access.ADMIN),
)
