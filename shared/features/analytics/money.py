"""Revenue and subscriptions, per currency."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from shared.core import db, texts
from shared.core.texts import figures
from shared.features import xp
from shared.features.analytics import periods
from shared.features.analytics.blocks import Block, Cell, Money, Share, Tile, drawn, percent
from shared.web import charts

if TYPE_CHECKING:
    from shared.core.sql_types import (
        AnalyticsActivity,
        AnalyticsRevenue,
        AnalyticsRevenueGroups,
        AnalyticsSubscriptions,
        AnalyticsSubscriptionsCurrencies,
    )
    from shared.features.analytics.periods import Period
    from shared.web.visit import Visit

_DIMENSIONS: tuple[Literal["product", "provider", "bot", "source"], ...] = (
    "product",
    "provider",
    "bot",
    "source",
)
_MOVES: tuple[Literal["new", "reactivated", "expansion", "contraction", "churned"], ...] = (
    "new",
    "reactivated",
    "expansion",
    "contraction",
    "churned",
)
LTV_CUSTOMERS, LTV_DAYS = 100, 90  # a lifetime value from less would be a guess


def currency_name(visit: Visit, currency: str) -> str:
    """Write a currency; Stars by their name."""
    return visit.text("analytics_stars") if currency == "XTR" else figures.currency_name(currency)


def revenue(visit: Visit, period: Period) -> tuple[list[Tile], list[Block]]:
    """Return what was received and returned in the period."""
    found: AnalyticsRevenue = db.call(
        "analytics_revenue", p_actor_id=visit.user.user_id, p_from=period.start, p_until=period.end
    )
    tiles = [
        Tile(
            visit.text("analytics_tile_revenue", currency=currency_name(visit, one["currency"])),
            figures.money(visit.language, Decimal(one["net"]), one["currency"]),
            visit.text("analytics_tile_payments", count=one["payments"]),
        )
        for one in found["currencies"]
    ]
    blocks = [_over_time(visit, found, one["currency"]) for one in found["currencies"]]
    if not blocks:
        blocks = [Block("revenue", ("from_day", "gross", "refunds", "net"), [])]
    for dimension in _DIMENSIONS:
        rows = [
            (
                _name(visit, one),
                currency_name(visit, one["currency"]),
                Money(Decimal(one["gross"]), one["currency"]),
                Money(Decimal(one["refunds"]), one["currency"]),
                Money(Decimal(one["net"]), one["currency"]),
                one["payments"],
            )
            for one in found["groups"]
            if one["dimension"] == dimension
        ]
        head = (dimension, "currency", "gross", "refunds", "net", "payments")
        blocks.append(Block(f"revenue_{dimension}", head, rows))
    return tiles, [*blocks, _arpu(visit, period), _cohorts(visit, found)]


def _over_time(visit: Visit, found: AnalyticsRevenue, currency: str) -> Block:
    points = [one for one in found["points"] if one["currency"] == currency]
    labels = [periods.label(visit.language, one["start"], found["step"]) for one in points]
    chart = charts.bars(
        charts.Chart(
            visit.text("analytics_revenue_in", currency=currency_name(visit, currency)),
            labels,
            [
                charts.Series(
                    visit.text("analytics_column_net"),
                    [max(drawn(Decimal(one["net"])), 0) for one in points],
                    1,
                ),
                charts.Series(
                    visit.text("analytics_column_refunds"),
                    [drawn(Decimal(one["refunds"])) for one in points],
                    2,
                ),
            ],
            visit.text("analytics_from_day"),
            visit.text("analytics_table"),
            visit.language,
        )
    )
    rows = [
        (
            one["start"],
            Money(Decimal(one["gross"]), currency),
            Money(Decimal(one["refunds"]), currency),
            Money(Decimal(one["net"]), currency),
        )
        for one in points
    ]
    return Block(f"revenue.{currency}", ("from_day", "gross", "refunds", "net"), rows, chart, is_long=True)


def _name(visit: Visit, group: AnalyticsRevenueGroups) -> str:
    """Write a product, provider, bot or source."""
    key = group["key"]
    if not key:
        return visit.text("analytics_unknown")
    if group["dimension"] == "product":
        titles = group["texts"] or {}
        chosen = titles.get(visit.language) or next(iter(titles.values()), None)
        return chosen["title"] if chosen else key
    if group["dimension"] == "provider":
        name = f"provider_{key}"
        return visit.text(name) if texts.has(visit.language, name) else key
    if group["dimension"] == "bot":
        return xp.bot_title(visit, key)
    if group["name"] is not None:
        return visit.text("analytics_source_ad", name=group["name"])
    source = f"analytics_source_{key}"
    return visit.text(source) if texts.has(visit.language, source) else key


def _arpu(visit: Visit, period: Period) -> Block:
    """Return the revenue for each active user of the last 30 days of the period."""
    start = max(period.start, period.end - timedelta(days=29))
    month: AnalyticsRevenue = db.call(
        "analytics_revenue", p_actor_id=visit.user.user_id, p_from=start, p_until=period.end
    )
    users: AnalyticsActivity = db.call(
        "analytics_activity", p_actor_id=visit.user.user_id, p_from=start, p_until=period.end
    )
    measured = [one["month"] for one in users["points"] if one["month"] is not None]
    active = measured[-1] if measured else users["current"]["month"]
    rows = [
        (
            currency_name(visit, one["currency"]),
            Money(Decimal(one["net"]), one["currency"]),
            active,
            Money(round(Decimal(one["net"]) / active, 2), one["currency"]) if active else None,
        )
        for one in month["currencies"]
    ]
    return Block("arpu", ("currency", "net", "active_month", "arpu"), rows)


def _cohorts(visit: Visit, found: AnalyticsRevenue) -> Block:
    rows = [
        (
            f"{date.fromisoformat(one['month']):%m.%Y}",
            one["users"],
            currency_name(visit, one["currency"]),
            Money(Decimal(one["net"]), one["currency"]),
            Money(round(Decimal(one["net"]) / one["users"], 2), one["currency"]) if one["users"] else None,
        )
        for one in reversed(found["cohorts"])
    ]
    return Block("cohorts", ("cohort", "users", "currency", "paid_so_far", "per_user"), rows)


def subscriptions(visit: Visit, period: Period) -> tuple[list[Tile], list[Block]]:
    """Return the monthly recurring revenue, what changed it, churn, and the lifetime value."""
    found: AnalyticsSubscriptions = db.call(
        "analytics_subscriptions", p_actor_id=visit.user.user_id, p_from=period.start, p_until=period.end
    )
    tiles = [
        Tile(
            visit.text("analytics_tile_mrr", currency=currency_name(visit, one["currency"])),
            figures.money(visit.language, Decimal(one["mrr"]), one["currency"]),
            visit.text("analytics_tile_subscribers", count=one["subscribers"]),
        )
        for one in found["currencies"]
    ]
    blocks = [_mrr(visit, one, found["step"]) for one in found["currencies"]]
    blocks += [_movements(visit, one, found["step"]) for one in found["currencies"]]
    if not blocks:
        blocks = [Block("mrr", ("from_day", "mrr", "subscribers", *_MOVES), [])]
    churn = [
        (currency_name(visit, one["currency"]), one["at_start"], one["joined"], one["lost"], _churn(one))
        for one in found["currencies"]
    ]
    moves: list[tuple[Cell, ...]] = [
        (
            currency_name(visit, one["currency"]),
            *(Money(Decimal(one[move]), one["currency"]) for move in _MOVES),
            Money(sum((Decimal(one[move]) for move in _MOVES), Decimal(0)), one["currency"]),
        )
        for one in found["currencies"]
    ]
    return tiles, [
        *blocks,
        Block("moves", ("currency", *_MOVES, "change"), moves),
        Block("churn", ("currency", "at_start", "joined", "lost", "churn"), churn),
        _lifetime(visit, period, found),
    ]


def _churn(one: AnalyticsSubscriptionsCurrencies) -> Share:
    return Share(one["lost"], one["at_start"])


def _mrr(visit: Visit, one: AnalyticsSubscriptionsCurrencies, step: str) -> Block:
    currency, points = one["currency"], one["points"]
    chart = charts.lines(
        charts.Chart(
            visit.text("analytics_mrr_in", currency=currency_name(visit, currency)),
            [periods.label(visit.language, point["start"], step) for point in points],
            [
                charts.Series(
                    visit.text("analytics_column_mrr"), [drawn(Decimal(point["mrr"])) for point in points], 1
                )
            ],
            visit.text("analytics_from_day"),
            visit.text("analytics_table"),
            visit.language,
        )
    )
    rows: list[tuple[Cell, ...]] = [
        (
            point["start"],
            Money(Decimal(point["mrr"]), currency),
            point["subscribers"],
            *(Money(Decimal(point[move]), currency) for move in _MOVES),
        )
        for point in points
    ]
    return Block(f"mrr.{currency}", ("from_day", "mrr", "subscribers", *_MOVES), rows, chart, is_long=True)


def _movements(visit: Visit, one: AnalyticsSubscriptionsCurrencies, step: str) -> Block:
    """Return what was gained and lost of the recurring revenue over time."""
    currency = one["currency"]
    gained, lost, rows = [], [], []
    for point in one["points"]:
        amounts = [Decimal(point[move]) for move in _MOVES]
        up = sum((amount for amount in amounts if amount > 0), Decimal(0))
        down = -sum((amount for amount in amounts if amount < 0), Decimal(0))
        gained.append(drawn(up))
        lost.append(drawn(down))
        row: list[Cell] = [
            point["start"],
            Money(up, currency),
            Money(down, currency),
            Money(up - down, currency),
        ]
        rows.append(row)
    chart = charts.lines(
        charts.Chart(
            visit.text("analytics_mrr_moves_in", currency=currency_name(visit, currency)),
            [periods.label(visit.language, point["start"], step) for point in one["points"]],
            [
                charts.Series(visit.text("analytics_column_gained"), gained, 1),
                charts.Series(visit.text("analytics_column_reduced"), lost, 2),
            ],
            visit.text("analytics_from_day"),
            visit.text("analytics_table"),
            visit.language,
        )
    )
    head = ("from_day", "gained", "reduced", "change")
    return Block(f"mrr_moves.{currency}", head, rows, chart, is_long=True)


def _lifetime(visit: Visit, period: Period, found: AnalyticsSubscriptions) -> Block:
    """Return the lifetime value of a subscriber where there is enough data; before AI cost."""
    rows = []
    lacking = not found["currencies"]
    for one in found["currencies"]:
        quarter = one["quarter"]
        since = quarter["since"]
        is_enough = (
            since is not None
            and (period.end - date.fromisoformat(since)).days >= LTV_DAYS
            and quarter["at_start"] >= LTV_CUSTOMERS
            and one["subscribers"] >= LTV_CUSTOMERS
            and quarter["lost"] > 0
        )
        if not is_enough:
            lacking = True
            continue
        each = Decimal(one["mrr"]) / one["subscribers"]
        churn = Decimal(quarter["lost"]) / quarter["at_start"] / 3
        rows.append(
            (
                currency_name(visit, one["currency"]),
                Money(round(each, 2), one["currency"]),
                percent(visit, churn),
                Money(round(each / churn, 2), one["currency"]),
            )
        )
    note = visit.text("analytics_ltv_lacking", count=LTV_CUSTOMERS) if lacking else ""
    return Block("ltv", ("currency", "per_subscriber", "monthly_churn", "ltv"), rows, note=note)
