"""/profile: who you are here, your plan, and what is left of today."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from telebot.types import CallbackQuery, Message

from shared import texts
from shared.bots.assistant import bot
from shared.bots.assistant.menu import back, main_menu
from shared.telegram import current, reply
from shared.telegram.unit import Unit, Usage
from shared.texts import Text


@bot.message_handler(commands=["profile"])
def profile(_message: Message) -> None:
    """Show the profile."""
    unit = current()
    reply(_profile(unit), main_menu(unit))


@bot.callback_query_handler(func=lambda call: call.data == "profile")
def show_profile(_call: CallbackQuery) -> None:
    """Show the profile under the menu's button."""
    unit = current()
    unit.show(_profile(unit), back(unit))


def resets(unit: Unit) -> str:
    """Say when the next day of requests begins: "00:00 MSK, in 5 hours"."""
    left = max(unit.usage.resets_at - datetime.now(UTC), timedelta(minutes=1))
    if left < timedelta(hours=1):
        return unit.text("resets_soon", time=reset_time(unit.usage), minutes=-(-left.seconds // 60))
    return unit.text("resets_at", time=reset_time(unit.usage), hours=round(left / timedelta(hours=1)))


def reset_time(usage: Usage) -> str:
    """Return the hour of the next day's beginning with its time zone: "00:00 MSK"."""
    local = usage.resets_at.astimezone(ZoneInfo(usage.timezone))
    zone = local.tzname() or ""
    return f"{local:%H:%M} {'UTC' + zone if zone[:1] in '+-' else zone}"


def _profile(unit: Unit) -> Text:
    person, usage = unit.person, unit.usage
    plan = _plan_name(unit)
    balance = f"{person.balance:.1f}"
    if unit.is_offline or person.created_at is None:
        return unit.rich("profile_offline", id=person.telegram_id, plan=plan, balance=balance)
    since = person.created_at.astimezone(ZoneInfo(usage.timezone)).strftime(
        texts.language(unit.language).DATE
    )
    values = {
        "id": person.telegram_id,
        "since": since,
        "plan": plan,
        "balance": f"{balance} {person.currency}",
    }
    if usage.daily_requests is None:
        return unit.rich("profile_unlimited", used=usage.requests, **values)
    used = min(usage.requests, usage.daily_requests)
    return unit.rich("profile", used=used, limit=usage.daily_requests, resets=resets(unit), **values)


def _plan_name(unit: Unit) -> str:
    """Return the plan's name; one that an owner added without a text is shown by its key."""
    key = f"plan_{unit.usage.plan}"
    return unit.text(key) if key in texts.language(unit.language).TEXTS else unit.usage.plan
