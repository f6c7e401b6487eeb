"""What the AI costs by model and by plan, beside what they bring."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from shared.core import db, texts
from shared.core.texts import figures
from shared.features.analytics.blocks import Block, Cell, Money, Share, Tile

if TYPE_CHECKING:
    from shared.core.sql_types import AnalyticsCosts, AnalyticsCostsModels, AnalyticsCostsPlans
    from shared.features.analytics.periods import Period
    from shared.web.visit import Visit

_DOLLAR = "USD"


def ai(visit: Visit, period: Period) -> tuple[list[Tile], list[Block]]:
    """Return the AI cost of the period."""
    found: AnalyticsCosts = db.call(
        "analytics_costs", p_actor_id=visit.user.user_id, p_from=period.start, p_until=period.end
    )
    rates = {currency: Decimal(str(rate)) for currency, rate in found["rates"].items()}
    total = sum((Decimal(one["cost"]) for one in found["models"]), Decimal(0))
    requests = sum(one["requests"] for one in found["models"])
    tile = Tile(
        visit.text("analytics_tile_cost"),
        figures.money(visit.language, total, _DOLLAR),
        visit.text("analytics_tile_requests", count=requests),
    )
    models = [_model(one, found["balance_currency"], rates) for one in found["models"]]
    plans = [_plan(visit, one, rates) for one in found["plans"]]
    lacking = sorted(
        {
            one["currency"]
            for plan in found["plans"]
            for one in plan["revenue"]
            if one["currency"] not in rates
        }
    )
    note = visit.text("analytics_rates_lacking", currencies=", ".join(lacking)) if lacking else ""
    return [tile], [
        Block(
            "ai_plans", ("plan", "calls", "cost", "revenue_usd", "margin", "margin_share"), plans, note=note
        ),
        Block(
            "ai_models",
            ("model", "requests", "calls", "errors", "cost", "per_request", "sold", "sold_margin"),
            models,
        ),
    ]


def _model(one: AnalyticsCostsModels, balance_currency: str, rates: dict[str, Decimal]) -> tuple[Cell, ...]:
    cost, sold = Decimal(one["cost"]), Decimal(one["sold"])
    rate = rates.get(balance_currency)
    margin = sold * rate - Decimal(one["sold_cost"]) if rate is not None and sold else None
    return (
        f"{one['provider']} · {one['model']}",
        one["requests"],
        one["calls"],
        Share(one["errors"], one["calls"]),
        Money(cost, _DOLLAR),
        Money(round(cost / one["requests"], 4), _DOLLAR) if one["requests"] else None,
        Money(sold, balance_currency) if sold else None,
        None if margin is None else Money(round(margin, 2), _DOLLAR),
    )


def _plan(visit: Visit, one: AnalyticsCostsPlans, rates: dict[str, Decimal]) -> tuple[Cell, ...]:
    cost = Decimal(one["cost"])
    known = all(part["currency"] in rates for part in one["revenue"])
    revenue = sum(
        (Decimal(part["net"]) * rates[part["currency"]] for part in one["revenue"] if known), Decimal(0)
    )
    return (
        texts.plan_name(visit.language, one["plan"]),
        one["calls"],
        Money(cost, _DOLLAR),
        Money(round(revenue, 2), _DOLLAR) if known else None,
        Money(round(revenue - cost, 2), _DOLLAR) if known else None,
        Share(revenue - cost, revenue) if known else None,
    )
