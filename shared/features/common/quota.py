"""When a plan's requests reset, and how to get more."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from shared.core import clock, texts
from shared.core.texts import figures
from shared.features.common.offering import current_offering, hidden_commands
from shared.telegram.context import UpdateContext


def resets(context: UpdateContext) -> str:
    """Return when the plan's requests reset: "00:00 MSK, in 5 hours", or "1 December at 00:00 MSK"."""
    usage = context.usage
    if usage.is_month_used_up:
        return context.text("resets_month", date=month_reset_day(context), time=reset_time(context))
    left = max(usage.resets_at - clock.now(), timedelta(minutes=1))
    if left < timedelta(hours=1):
        return context.text("resets_soon", time=reset_time(context), minutes=-(-left.seconds // 60))
    return context.text("resets_at", time=reset_time(context), hours=round(left / timedelta(hours=1)))


def reset_time(context: UpdateContext) -> str:
    """Return the hour at which a day begins, with its time zone: "00:00 MSK"."""
    return figures.time_of_day(
        context.language, context.usage.resets_at.astimezone(ZoneInfo(context.usage.timezone))
    )


def month_reset_day(context: UpdateContext) -> str:
    """Return the day on which the next month of requests begins: "1 December"."""
    begins = (context.usage.month_resets_at or context.usage.resets_at).astimezone(
        ZoneInfo(context.usage.timezone)
    )
    return figures.day(context.language, begins)


def next_month(context: UpdateContext) -> str:
    """Return the day on which the next month begins, and so the monthly budgets: "1 December"."""
    today = clock.now().astimezone(ZoneInfo(context.usage.timezone))
    return figures.day(context.language, (today.replace(day=1) + timedelta(days=32)).replace(day=1))


def upgrade_options(context: UpdateContext, *, has_trial: bool) -> str:
    """List how to get more requests: the bot's commands that have a text `upgrade_option_<name>`."""
    known = texts.table(context.language)
    hidden = hidden_commands(context.bot, current_offering(context)) | ({"trial"} if not has_trial else set())
    here = [name for name in context.bot.commands() if name not in hidden]
    options = [context.text(f"upgrade_option_{name}") for name in here if f"upgrade_option_{name}" in known]
    return "\n\n" + "\n".join([context.text("upgrade_options"), *options]) if options else ""
