"""The page of the usage: as /usage, with the days as a chart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core import db
from shared.features.account import usage
from shared.web import charts, styled
from shared.web.access import Access
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response
    from markupsafe import Markup

    from shared.core.sql_types import GetUserUsageStats
    from shared.features.account.usage_view import UsageView
    from shared.web.visit import Visit


def show(visit: Visit) -> Response:
    """Show requests used and left."""
    stats: GetUserUsageStats = db.call("get_user_usage_stats", p_user_id=visit.user.user_id)
    view = usage.view(visit, stats)
    return visit.render(
        "account/usage.html",
        usage=view,
        bar=charts.bar,
        resets=visit.date(stats["day"]["resets_at"], with_time=True),
        month_resets=visit.date(stats["month"]["resets_at"]),
        chart=_chart(visit, view) if any(day.total for day in view.days) else None,
        calls=[styled.to_html(line) for line in usage.details(visit, stats)],
    )


def _chart(visit: Visit, view: UsageView) -> Markup:
    series = [charts.Series(visit.text("account_chart_plan"), [day.plan for day in view.days], 1)]
    legend = dict(view.legend)
    if "bonus" in legend:
        series.append(charts.Series(legend["bonus"], [day.bonus for day in view.days], 2))
    if "own" in legend:
        series.append(charts.Series(legend["own"], [day.own for day in view.days], 3))
    return charts.bars(
        charts.Chart(
            title=visit.text("account_chart_title"),
            labels=[day.label for day in view.days],
            series=series,
            column=visit.text("web_day"),
            table=visit.text("web_as_table"),
            language=visit.language,
            limit=view.today.limit if "limit" in legend else None,
            limit_name=legend.get("limit", ""),
        )
    )


page = Page("/account/usage", show, access=Access.USER)
