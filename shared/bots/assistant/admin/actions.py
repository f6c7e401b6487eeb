"""What an admin can do to somebody. Each returns one line that tells what it was before and is now.

A line is the same however often an update is delivered: the function answers a reference it knows with what
it did then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shared import db
from shared.bots.assistant.admin.people import Found, name_of
from shared.bots.assistant.features import plan_name
from shared.errors import Refusal
from shared.log import hide_secrets
from shared.telegram.unit import Unit

MAX_REASON = 500  # characters, as the SQL functions take it
_REFUSALS = {
    "N0001": "unknown_command",  # taken off the list of admins a moment ago
    "N0003": "admin_done_differently",
    "N0004": "admin_bad_number",
    "N0005": "admin_is_admin",
}


def carry_out(unit: Unit, person: Found, action: Callable[..., str], *values: Any) -> str:
    """Do something to a person and return the line about it, also when a rule refuses it."""
    try:
        return action(unit, person, *values)
    except Refusal as refusal:
        if refusal.sqlstate not in _REFUSALS:
            raise
        return unit.text(_REFUSALS[refusal.sqlstate], name=name_of(person))


def grant(unit: Unit, person: Found, credits_: int, reason: str | None = None) -> str:
    """Give bonus credits, or take some back."""
    done = db.call(
        "admin_add_bonus_credits",
        p_user_id=person["id"],
        p_credits=credits_,
        p_admin_email=unit.person.admin_email,
        p_reference=unit.reference,
        p_reason=storable(reason),
    )
    return unit.text("admin_granted", name=name_of(person), before=done["before"], after=done["after"])


def give_trainings(unit: Unit, person: Found, trainings: int, reason: str | None = None) -> str:
    """Give free trainings, or take unused ones back."""
    done = db.call(
        "admin_give_trainings",
        p_user_id=person["id"],
        p_quantity=trainings,
        p_admin_email=unit.person.admin_email,
        p_reference=unit.reference,
        p_reason=storable(reason),
    )
    return unit.text("admin_gave_trainings", name=name_of(person), before=done["before"], after=done["after"])


def reset(unit: Unit, person: Found) -> str:
    """Give the month's requests back, today's included."""
    done = db.call(
        "admin_reset_user_usage",
        p_user_id=person["id"],
        p_admin_email=unit.person.admin_email,
        p_reference=unit.reference,
    )
    return unit.text("admin_reset", name=name_of(person), before=done["before"], after=done["after"])


def set_plan(unit: Unit, person: Found, plan: str, days: int | None) -> str:
    """Give a plan from now on for some days, or without an end; the free one takes back what admins gave."""
    done = db.call(
        "admin_set_plan",
        p_user_id=person["id"],
        p_plan=plan,
        p_days=days,
        p_admin_email=unit.person.admin_email,
        p_reference=unit.reference,
    )
    before, after = (
        plan_until(unit, done[when]["plan"], done[when]["ends_at"]) for when in ("before", "after")
    )
    return unit.text("admin_plan_set", name=name_of(person), before=before, after=after)


def ban(unit: Unit, person: Found, reason: str | None) -> str:
    """Keep a person out of all bots."""
    db.call(
        "admin_ban_user",
        p_user_id=person["id"],
        p_reason=storable(reason),
        p_admin_email=unit.person.admin_email,
        p_reference=unit.reference,
    )
    return unit.text("admin_banned", name=name_of(person))


def unban(unit: Unit, person: Found) -> str:
    """Let a person into the bots again."""
    done = db.call(
        "admin_unban_user",
        p_user_id=person["id"],
        p_admin_email=unit.person.admin_email,
        p_reference=unit.reference,
    )
    key = "admin_unbanned" if done["before"]["banned_at"] else "admin_not_banned"
    return unit.text(key, name=name_of(person))


def plan_until(unit: Unit, plan: str, ends_at: str | None) -> str:
    """Return a plan's name, with its end where it has one."""
    name = plan_name(unit, plan)
    return unit.text("admin_plan_until", plan=name, date=unit.date(ends_at)) if ends_at else name


def storable(reason: str | None) -> str | None:
    """Return a reason as it may be kept for ever: without what looks like somebody's key."""
    return hide_secrets(reason)[:MAX_REASON] if reason else None
