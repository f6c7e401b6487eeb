"""Active users, retention, the funnel, and who referred the most."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from shared.core import db
from shared.core.texts import figures
from shared.features import xp
from shared.features.analytics import periods
from shared.features.analytics.blocks import Block, Share, Tile
from shared.web import charts

if TYPE_CHECKING:
    from shared.core.sql_types import (
        AnalyticsActivity,
        AnalyticsFunnel,
        AnalyticsReferrers,
        AnalyticsRetention,
    )
    from shared.features.analytics.periods import Period
    from shared.web.visit import Visit

_STEPS = ("answered", "limited", "checkout", "paid")


def activity(visit: Visit, period: Period) -> tuple[list[Tile], list[Block]]:
    """Return how many users are active now, and over the period."""
    found: AnalyticsActivity = db.call(
        "analytics_activity", p_actor_id=visit.user.user_id, p_from=period.start, p_until=period.end
    )
    now, points = found["current"], found["points"]
    labels = [periods.label(visit.language, one["start"], found["step"]) for one in points]
    active = [Decimal(one["active"]) for one in points]
    chart = charts.lines(
        charts.Chart(
            visit.text(f"analytics_activity_by_{found['step']}"),
            labels,
            [
                charts.Series(visit.text("analytics_active"), [float(one) for one in active], 1),
                charts.Series(visit.text("analytics_new"), [one["new"] for one in points], 2),
            ],
            visit.text("analytics_from_day"),
            visit.text("analytics_table"),
            visit.language,
        )
    )
    tiles = [
        Tile(
            visit.text("analytics_tile_active"),
            figures.number(visit.language, now["day"]),
            visit.text(
                "analytics_tile_active_about",
                week=figures.number(visit.language, now["week"]),
                month=figures.number(visit.language, now["month"]),
            ),
        ),
        Tile(
            visit.text("analytics_tile_new"),
            figures.number(visit.language, sum(one["new"] for one in points)),
            visit.text("analytics_tile_new_about", users=figures.number(visit.language, now["users"])),
        ),
    ]
    rows = [
        (one["start"], value, one["new"], one["month"]) for one, value in zip(points, active, strict=True)
    ]
    head = ("from_day", "active", "new", "active_month")
    return tiles, [Block("activity", head, rows, chart, is_long=True)]


def retention(visit: Visit, period: Period) -> Block:
    """Return how many users came back, by cohorts."""
    found: AnalyticsRetention = db.call(
        "analytics_retention", p_actor_id=visit.user.user_id, p_from=period.start, p_until=period.end
    )
    cohorts = found["cohorts"]
    rows = [
        (
            periods.label(visit.language, one["start"], found["step"]),
            one["users"],
            Share(one["day_1"], one["of_1"]),
            Share(one["day_7"], one["of_7"]),
            Share(one["day_30"], one["of_30"]),
        )
        for one in reversed(cohorts)
    ]
    total = (
        visit.text("analytics_all"),
        sum(one["users"] for one in cohorts),
        Share(sum(one["day_1"] for one in cohorts), sum(one["of_1"] for one in cohorts)),
        Share(sum(one["day_7"] for one in cohorts), sum(one["of_7"] for one in cohorts)),
        Share(sum(one["day_30"] for one in cohorts), sum(one["of_30"] for one in cohorts)),
    )
    head = ("cohort", "users", "day_1", "day_7", "day_30")
    return Block("retention", head, [total, *rows] if rows else [])


def funnel(visit: Visit, period: Period) -> list[Block]:
    """Return how far users got who started in the period, in all and by the bot that they started first."""
    found: AnalyticsFunnel = db.call(
        "analytics_funnel", p_actor_id=visit.user.user_id, p_from=period.start, p_until=period.end
    )
    points = found["points"]
    started = sum(one["started"] for one in points)
    reached = {
        "started": started,
        "answered": sum(one["answered"] for one in points),
        "limited": sum(one["limited"] for one in points),
        "checkout": sum(one["checkout"] for one in points),
        "paid": sum(one["paid"] for one in points),
    }
    rows = [
        (visit.text(f"analytics_step_{step}"), count, Share(count, started))
        for step, count in reached.items()
    ]
    chart = charts.shares(
        visit.text("analytics_funnel"),
        [
            (
                visit.text(f"analytics_step_{step}"),
                count / started if started else 0,
                figures.number(visit.language, count),
            )
            for step, count in reached.items()
        ],
    )
    bots = [
        (
            xp.bot_title(visit, one["bot"]) if one["bot"] else visit.text("analytics_unknown"),
            one["started"],
            one["answered"],
            one["limited"],
            one["checkout"],
            one["paid"],
            Share(one["paid"], one["started"]),
        )
        for one in found["bots"]
    ]
    return [
        Block("funnel", ("funnel_step", "users", "of_started"), rows if started else [], chart),
        Block("funnel_bots", ("bot", "started", *_STEPS, "paid_share"), bots),
    ]


def referrers(visit: Visit, period: Period) -> Block:
    """Return who referred the most users in the period."""
    found: AnalyticsReferrers = db.call(
        "analytics_referrers", p_actor_id=visit.user.user_id, p_from=period.start, p_until=period.end
    )
    rows = [
        (
            one["first_name"] or str(one["telegram_id"]),
            f"@{one['username']}" if one["username"] else "",
            str(one["telegram_id"]),
            one["referrals"],
            one["credits"],
        )
        for one in found["referrers"]
    ]
    return Block("referrers", ("name", "username", "telegram_id", "referrals", "credits"), rows)
