"""The daily report of admins: the figures of yesterday, from the functions that the page uses."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from shared.core import db, log, texts
from shared.core.errors import Refusal
from shared.core.texts import Text, concat, figures
from shared.telegram import outbox

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject
    from shared.core.sql_types import (
        AnalyticsActivity,
        AnalyticsCosts,
        AnalyticsFunnel,
        AnalyticsRevenue,
        AnalyticsSubscriptions,
        DueAnalyticsReports,
        EnqueueAnalyticsReport,
    )


def send_due() -> int:
    """Send the reports whose hour has come; return how many."""
    due: DueAnalyticsReports = db.call("due_analytics_reports")
    day = date.fromisoformat(due["day"])
    sent = 0
    for one in due["reports"]:
        language = texts.choose(*one["languages"])
        try:
            text, entities = write(language, one["user_id"], day)
        except Refusal as error:  # no admin any more since the list was read
            log.warning("no report", action="analytics_report", sqlstate=error.sqlstate)
            continue
        button = {"text": texts.text(language, "analytics_report_off_button"), "callback_data": "report:off"}
        parameters: JsonObject = {
            "text": text,
            "entities": entities,
            "reply_markup": {"inline_keyboard": [[button]]},
        }
        done: EnqueueAnalyticsReport = db.call(
            "enqueue_analytics_report", p_user_id=one["user_id"], p_day=day, p_parameters=parameters
        )
        outbox.deliver_outgoing(done["outgoing"])
        sent += len(done["outgoing"])
    return sent


def write(language: str, user_id: int, day: date) -> Text:
    """Write the report of a day for an admin.

    Raises:
        Refusal: the user is no admin any more.
    """
    activity: AnalyticsActivity = db.call("analytics_activity", p_actor_id=user_id, p_from=day, p_until=day)
    funnel: AnalyticsFunnel = db.call("analytics_funnel", p_actor_id=user_id, p_from=day, p_until=day)
    revenue: AnalyticsRevenue = db.call("analytics_revenue", p_actor_id=user_id, p_from=day, p_until=day)
    subscriptions: AnalyticsSubscriptions = db.call(
        "analytics_subscriptions", p_actor_id=user_id, p_from=day, p_until=day
    )
    costs: AnalyticsCosts = db.call("analytics_costs", p_actor_id=user_id, p_from=day, p_until=day)
    started = funnel["points"][0] if funnel["points"] else None
    cost = sum((Decimal(one["cost"]) for one in costs["models"]), Decimal(0))
    lines = [
        texts.rich(language, "analytics_report_head", day=figures.day(language, day)),
        texts.rich(
            language,
            "analytics_report_users",
            active=_number(language, round(Decimal(activity["points"][0]["active"]))),
            new=_number(language, activity["points"][0]["new"]),
            answered=_number(language, started["answered"] if started else 0),
        ),
    ]
    for sold in revenue["currencies"]:
        lines.append(
            texts.rich(
                language,
                "analytics_report_revenue",
                net=figures.money(language, Decimal(sold["net"]), sold["currency"]),
                count=sold["payments"],
            )
        )
    if not revenue["currencies"]:
        lines.append(texts.rich(language, "analytics_report_no_revenue"))
    for one in subscriptions["currencies"]:
        lines.append(
            texts.rich(
                language,
                "analytics_report_mrr",
                mrr=figures.money(language, Decimal(one["mrr"]), one["currency"]),
                joined=_number(language, one["joined"]),
                lost=_number(language, one["lost"]),
            )
        )
    lines.append(
        texts.rich(
            language,
            "analytics_report_cost",
            cost=figures.money(language, cost, "USD"),
            requests=_number(language, sum(one["requests"] for one in costs["models"])),
        )
    )
    return concat(*lines, separator="\n")


def _number(language: str, value: int) -> str:
    return figures.number(language, value)
