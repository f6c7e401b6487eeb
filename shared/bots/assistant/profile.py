"""/profile: who you are here, your plan, and what is left of it."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from telebot.types import CallbackQuery, Message

from shared.bots.assistant import bot, contact, features
from shared.bots.assistant.features import plan_name
from shared.bots.assistant.menu import back
from shared.core import clock, db, texts
from shared.core.config import settings
from shared.core.texts import Text, figures
from shared.telegram import current, reply
from shared.telegram.unit import Keyboard, Unit


@bot.message_handler(commands=["profile"], private_only=True, works_offline=True)
def profile(_message: Message) -> None:
    """Show the profile."""
    unit = current()
    reply(_profile(unit), _buttons(unit))


@bot.callback_query_handler(
    func=lambda call: call.data == "profile", private_only=True, page="profile", works_offline=True
)
def show_profile(_call: CallbackQuery) -> None:
    """Show the profile under the menu's button."""
    unit = current()
    unit.show(_profile(unit), _buttons(unit))


def resets(unit: Unit) -> str:
    """Say when there are new requests of the plan: "00:00 MSK, in 5 hours", or "1 December at 00:00 MSK"."""
    usage = unit.usage
    if usage.is_month_used_up:
        return unit.text("resets_month", date=month_reset_day(unit), time=reset_time(unit))
    left = max(usage.resets_at - clock.now(), timedelta(minutes=1))
    if left < timedelta(hours=1):
        return unit.text("resets_soon", time=reset_time(unit), minutes=-(-left.seconds // 60))
    return unit.text("resets_at", time=reset_time(unit), hours=round(left / timedelta(hours=1)))


def reset_time(unit: Unit) -> str:
    """Return the hour at which a day begins, with its time zone: "00:00 MSK"."""
    return figures.time_of_day(unit.language, unit.usage.resets_at.astimezone(ZoneInfo(unit.usage.timezone)))


def month_reset_day(unit: Unit) -> str:
    """Return the day on which the next month of requests begins: "1 December"."""
    begins = (unit.usage.month_resets_at or unit.usage.resets_at).astimezone(ZoneInfo(unit.usage.timezone))
    return figures.day(unit.language, begins)


def ways_out(unit: Unit, *, has_trial: bool) -> str:
    """Name the ways to more requests that this bot has: its commands with a text `way_out_<name>`."""
    known = texts.language(unit.language).TEXTS
    hidden = features.hidden_commands(features.features(unit)) | ({"trial"} if not has_trial else set())
    here = [name for name in bot.commands() if name not in hidden]
    ways = [unit.text(f"way_out_{name}") for name in here if f"way_out_{name}" in known]
    return "\n\n" + "\n".join([unit.text("ways_out"), *ways]) if ways else ""


def _buttons(unit: Unit) -> Keyboard:
    return [[(unit.text("menu_usage"), "usage")], *contact.row(unit), *back(unit)]


def _profile(unit: Unit) -> Text:
    person, usage = unit.person, unit.usage
    if unit.is_offline or person.created_at is None:
        key = "profile_offline" if settings().database_enabled else "profile_without_database"
        return unit.rich(key, id=person.telegram_id)
    values = {
        "id": person.telegram_id,
        "since": unit.date(person.created_at),
        "plan": plan_name(unit),
        "balance": figures.money(unit.language, person.balance, person.currency),
        "paid": "".join(f"{line}\n" for line in _paid_time(unit)),
        "month": _month(unit),
        "bonus": _bonus(unit),
    }
    if usage.daily_requests is None:
        return unit.rich("profile_unlimited", used=usage.requests, **values)
    used = min(usage.requests, usage.daily_requests)
    return unit.rich("profile", used=used, limit=usage.daily_requests, resets=resets(unit), **values)


def _month(unit: Unit) -> str:
    """Return the line about the month's requests, where the plan limits them."""
    usage = unit.usage
    if usage.monthly_requests is None:
        return ""
    used = min(usage.month_requests, usage.monthly_requests)
    return unit.text("profile_month", used=used, limit=usage.monthly_requests) + "\n"


def _bonus(unit: Unit) -> str:
    """Return the line about bonus requests, where there are any."""
    credits_ = unit.usage.bonus_credits
    return unit.text("profile_bonus", credits=credits_) + "\n" if credits_ else ""


def _paid_time(unit: Unit) -> list[str]:
    """Say until when the plan is paid and whether it renews itself; nothing on the free plan."""
    if unit.usage.plan == "FREE":
        return []
    overview = db.call("subscription_overview", p_user_id=unit.person.id)
    ends_at = overview["ends_at"]
    lines = [unit.text("profile_plan_ends", date=unit.date(ends_at))] if ends_at else []
    # Of several renewals the one that still charges is the one to know of.
    states = {renewal["status"] for renewal in overview["renewals"]}
    state = next((state for state in ("past_due", "active") if state in states), "off")
    return [*lines, unit.text(f"profile_renewal_{state}")] if ends_at or states else lines
