"""/usage: requests used and left, as a picture with the same figures in its caption."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from telebot.types import CallbackQuery, Message

from shared.core import db, texts
from shared.core.texts import Text, figures
from shared.features.account.usage_view import Day, Mark, Meter, UsageView, shows_limit
from shared.features.common.drawing import send_drawing
from shared.features.common.menu import back
from shared.features.common.plans import plan_name
from shared.features.common.quota import month_reset_day, resets, upgrade_options
from shared.features.common.trial_offer import trial_offer
from shared.telegram import current_context
from shared.telegram.context import StateUnavailable, UpdateContext
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import (
        GetUserUsageStats,
        GetUserUsageStatsDay,
        GetUserUsageStatsReferrals,
        UsageByProvider,
    )
    from shared.core.texts.reader import Reader

router = Router()


@router.message_handler(commands=["usage"], private_only=True)
def usage(_message: Message) -> None:
    """Show the usage."""
    _show(current_context())


@router.callback_query_handler(data="usage", private_only=True, page="usage")
def show_usage(_call: CallbackQuery) -> None:
    """Show the usage under the profile's button."""
    _show(current_context())


def _show(context: UpdateContext) -> None:
    if context.is_offline:
        raise StateUnavailable
    stats: GetUserUsageStats = db.call("get_user_usage_stats", p_user_id=context.user.id)
    from shared.features.account.usage_picture import draw  # Pillow takes 60 ms to import

    send_drawing(context, lambda: draw(view(context, stats)), _caption(context, stats), back(context))


def _caption(context: UpdateContext, stats: GetUserUsageStats) -> Text:
    day, month, credits = stats["day"], stats["month"], stats["bonus_credits"]
    lines = [context.rich("usage_head", plan=plan_name(context))]
    if day["limit"] is None:
        lines.append(context.rich("usage_today_unlimited", used=_number(context, day["used"])))
    else:
        used, limit = _used(context, day), _number(context, day["limit"])
        lines.append(context.rich("usage_today", used=used, limit=limit, resets=resets(context)))
    if month["limit"] is None:
        lines.append(context.rich("usage_month_unlimited", used=_number(context, month["used"])))
    else:
        used, limit = _used(context, month), _number(context, month["limit"])
        lines.append(context.rich("usage_month", used=used, limit=limit, date=month_reset_day(context)))
    if credits:
        lines.append(context.rich("usage_bonus", credits=_number(context, credits)))
    if more := details(context, stats):
        lines += [Text("", []), *more]
    options = ""
    if 0 in (day["remaining"], month["remaining"]):
        options = upgrade_options(context, has_trial=trial_offer(context) is not None)
    return texts.concat(texts.concat(*lines, separator="\n"), Text(options, []))


def details(context: Reader, stats: GetUserUsageStats) -> list[Text]:
    """Return lines on this month's AI calls and on invites, where there are any."""
    return [*_calls(context, stats["providers"]), *_referrals(context, stats["referrals"])]


def _calls(context: Reader, providers: list[UsageByProvider]) -> list[Text]:
    """Return lines on this month's AI calls; their cost only for calls with the user's own key."""
    count = sum(provider["calls"] for provider in providers)
    if not count:
        return []
    milliseconds = sum(provider["average_ms"] * provider["calls"] for provider in providers)
    seconds = max(Decimal(milliseconds / count / 1000).quantize(Decimal("0.1")), Decimal("0.1"))
    tokens = sum(provider["tokens_in"] + provider["tokens_out"] for provider in providers)
    lines = [
        context.rich(
            "usage_calls",
            calls=count,
            seconds=figures.number(context.language, seconds),
            tokens=_number(context, tokens),
        )
    ]
    if own := sum(provider["user_api_key_calls"] for provider in providers):
        cost = sum((Decimal(str(provider["user_api_key_cost"])) for provider in providers), Decimal(0))
        paid = ", " + figures.money(context.language, cost.quantize(Decimal("0.01")), "USD") if cost else ""
        lines.append(context.rich("usage_user_api_key", calls=own, cost=paid))
    return lines


def _referrals(context: Reader, referrals: GetUserUsageStatsReferrals) -> list[Text]:
    return [context.rich("usage_referrals", **referrals)] if any(referrals.values()) else []


def view(context: Reader, stats: GetUserUsageStats) -> UsageView:
    """Return the usage as the picture and the page show it."""

    def label(day: str) -> str:
        return figures.day(context.language, date.fromisoformat(day), short=True)

    rows = stats["days"]
    days = [
        Day(label(row["day"]), row["requests"], row["bonus_requests"], row["user_api_key_requests"])
        for row in rows
    ]
    most, total = max(day.total for day in days), sum(day.total for day in days)
    limit, credits = stats["day"]["limit"], stats["bonus_credits"]
    # The average starts at the first request, so days before the user came do not lower it; one day has none.
    asked = len(days) - next((number for number, day in enumerate(days) if day.total), len(days) - 1)
    average = round(total / asked) if asked > 1 else 0
    legend: list[tuple[Mark, str]] = []
    if limit is not None and shows_limit(days, limit):
        legend.append(("limit", context.text("picture_limit", limit=_number(context, limit))))
    if any(day.bonus for day in days):
        legend.append(("bonus", context.text("picture_paid_bonus")))
    if any(day.own for day in days):
        legend.append(("own", context.text("picture_user_api_key")))
    return UsageView(
        title=context.text("picture_title"),
        plan=texts.plan_name(context.language, stats["plan"]),
        today=_today(context, stats),
        month=_month(context, stats["month"]),
        average=context.text("picture_average", average=_number(context, average)) if average else "",
        bonus=context.text("picture_bonus", credits=credits) if credits else "",
        days=days,
        chart=context.text("picture_days"),
        chart_about=context.text("picture_most", most=_number(context, most)) if most else "",
        legend=legend,
        nothing=context.text("picture_nothing"),
    )


def _today(context: Reader, stats: GetUserUsageStats) -> Meter:
    day, month, title = stats["day"], stats["month"], context.text("picture_today")
    if month["limit"] is not None and month["used"] >= month["limit"]:
        begins = datetime.fromisoformat(month["resets_at"]).astimezone(ZoneInfo(stats["timezone"]))
        about = context.text("picture_out_month", date=figures.day(context.language, begins, short=True))
        return Meter(1, 1, title, "0", about)
    if day["limit"] is None:
        return Meter(
            day["used"], None, title, _number(context, day["used"]), context.text("picture_unlimited")
        )
    left = max(day["limit"] - day["used"], 0)
    key = "picture_left_bonus" if not left and stats["bonus_credits"] else "picture_left"
    about = context.text(key, limit=_number(context, day["limit"]))
    return Meter(day["used"], day["limit"], title, _number(context, left), about)


def _month(context: Reader, month: GetUserUsageStatsDay) -> Meter:
    limit = month["limit"]
    about = "" if limit is None else context.text("picture_month_of", limit=_number(context, limit))
    return Meter(month["used"], limit, context.text("picture_month"), _used(context, month), about)


def _used(context: Reader, span: GetUserUsageStatsDay) -> str:
    """Format how much of a limit is used, at most the limit: a plan that ended may have used more."""
    used, limit = span["used"], span["limit"]
    return _number(context, used if limit is None else min(used, limit))


def _number(context: Reader, value: int) -> str:
    return figures.number(context.language, value)
