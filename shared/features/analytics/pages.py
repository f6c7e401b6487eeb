"""The page /analytics: its sections, the CSV file of each table, and the daily report's hour."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field
from werkzeug.exceptions import NotFound

from shared.core import db
from shared.core.texts import figures
from shared.features.analytics import blocks, costs, learning, money, periods, users
from shared.features.analytics.blocks import Block, Tile
from shared.web import spreadsheet
from shared.web.access import Access
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import AnalyticsState
    from shared.features.analytics.periods import Period
    from shared.web.visit import Visit

PATH = "/analytics"
DATABASE = "/database"
_FORM = 2_000  # bytes

Shown = tuple[list[Tile], list[Block]]


def _overview(visit: Visit, period: Period) -> Shown:
    tiles, activity = users.activity(visit, period)
    mrr, _ = money.subscriptions(visit, period)
    revenue, _ = money.revenue(visit, period)
    cost, _ = costs.ai(visit, period)
    return [*tiles, *mrr, *revenue, *cost], [*activity, *users.funnel(visit, period)]


def _users(visit: Visit, period: Period) -> Shown:
    tiles, activity = users.activity(visit, period)
    return tiles, [
        *activity,
        users.retention(visit, period),
        *users.funnel(visit, period),
        users.referrers(visit, period),
    ]


def _learning(visit: Visit, period: Period) -> Shown:
    return [], learning.learning(visit, period)


_SECTIONS: dict[str, Callable[[Visit, Period], Shown]] = {
    "overview": _overview,
    "users": _users,
    "revenue": money.revenue,
    "subscriptions": money.subscriptions,
    "ai": costs.ai,
    "learning": _learning,
}


class _Report(BaseModel):
    """When the daily report comes; empty: never."""

    hour: str = Field(default="", pattern=r"^(|[0-9]|1[0-9]|2[0-3])$")


def show(visit: Visit, section: str = "overview") -> Response:
    """Show a section."""
    state = _state(visit)
    today = date.fromisoformat(state["day"])
    period = periods.chosen(visit.request.args, today)
    tiles, shown = _SECTIONS[section](visit, period)
    return visit.render(
        "analytics/page.html",
        section=section,
        sections=[
            (
                PATH if one == "overview" else f"{PATH}/{one}",
                visit.text(f"analytics_section_{one}"),
                one == section,
            )
            for one in _SECTIONS
        ],
        here=PATH if section == "overview" else f"{PATH}/{section}",
        lengths=[
            (days, visit.text(f"analytics_days_{days}"), days == period.length) for days in periods.LENGTHS
        ],
        period=period,
        period_words=visit.text(
            "analytics_period_words",
            start=_date(visit, period.start),
            end=_date(visit, period.end),
            days=(period.end - period.start).days + 1,
        ),
        query=period.query(),
        tiles=tiles,
        blocks=[_block(visit, one, section) for one in shown],
        state=state,
        summed=visit.text("analytics_summed", day=_date(visit, date.fromisoformat(state["summed_until"])))
        if state["summed_until"]
        else visit.text("analytics_not_summed"),
        since=visit.text("analytics_since", day=_date(visit, date.fromisoformat(state["measured_since"])))
        if state["measured_since"]
        else "",
        database=DATABASE if visit.offers(DATABASE) else "",
        drifts=[
            visit.text(
                "analytics_drift",
                day=figures.day(visit.language, date.fromisoformat(one["day"])),
                figure=one["figure"],
                counted=one["counted"],
                recounted=one["recounted"],
            )
            for one in state["drifts"]
        ],
        hours=[("", visit.text("analytics_report_never"), state["report_hour"] is None)]
        + [(str(hour), f"{hour}:00", hour == state["report_hour"]) for hour in range(24)],
    )


def _date(visit: Visit, day: date) -> str:
    """Write a day with its year, which is the same in every time zone."""
    return figures.date(visit.language, f"{day}T12:00:00+00:00", "UTC")


def _state(visit: Visit) -> AnalyticsState:
    found: AnalyticsState = db.call("analytics_state", p_actor_id=visit.user.user_id)
    return found


def _block(visit: Visit, block: Block, section: str) -> JsonObject:
    """Return a block as its template shows it."""
    name = block.key.partition(".")[0]
    columns = list(zip(*block.rows, strict=True)) if block.rows else []
    return {
        "key": block.key,
        "title": visit.text(f"analytics_{name}"),
        "about": visit.text(f"analytics_{name}_about"),
        "head": [
            (
                visit.text(f"analytics_column_{column}"),
                bool(columns) and any(blocks.is_number(cell) for cell in columns[place]),
            )
            for place, column in enumerate(block.head)
        ],
        "rows": [
            [(blocks.written(visit, cell), blocks.is_number(cell)) for cell in row] for row in block.rows
        ],
        "chart": block.chart,
        "note": block.note,
        "is_long": block.is_long and bool(block.chart),
        "csv": f"{PATH}/{section}/{block.key}.csv",
    }


def export(visit: Visit, section: str, figure: str) -> Response:
    """Return a table as CSV."""
    period = periods.chosen(visit.request.args, date.fromisoformat(_state(visit)["day"]))
    if section not in _SECTIONS:
        raise NotFound
    _, shown = _SECTIONS[section](visit, period)
    block = next((one for one in shown if one.key == figure), None)
    if block is None:
        raise NotFound
    return spreadsheet.response(
        f"{figure.replace('.', '-')}_{period.start}_{period.end}",
        block.head,
        ([blocks.plain(cell) for cell in row] for row in block.rows),
    )


def set_report(visit: Visit) -> Response:
    """Switch the daily report on or off."""
    hour = visit.form(_Report).hour
    db.call("set_analytics_report", p_actor_id=visit.user.user_id, p_hour=int(hour) if hour else None)
    return visit.redirect(PATH, "account_saved_notice")


pages = (
    Page(PATH, show, access=Access.ADMIN, menu="analytics_menu"),
    *(
        Page(
            f"{PATH}/{section}",
            lambda visit, section=section: show(visit, section),
            access=Access.ADMIN,
        )
        for section in _SECTIONS
        if section != "overview"
    ),
    Page(f"{PATH}/report", set_report, methods=("POST",), max_body=_FORM, access=Access.ADMIN),
    Page(
        f"{PATH}/<string(maxlength=20):section>/<string(maxlength=40):figure>.csv",
        export,
        access=Access.ADMIN,
    ),
)
