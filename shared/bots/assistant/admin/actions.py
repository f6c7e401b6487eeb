"""What an admin can do to a user. Each returns one line that says what it was before and is now.

A line is the same however often an update is delivered: the function answers a reference it knows with what
it did then. The function also queues the message to the user.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from shared.bots.assistant.admin.people import Found, name_of
from shared.bots.assistant.features import plan_name
from shared.core import db
from shared.core.errors import Refusal
from shared.core.log import hide_secrets
from shared.core.texts import figures
from shared.telegram.unit import Unit

MAX_REASON = 500  # characters, as the SQL functions take it
_REFUSALS = {
    "N0001": "unknown_command",  # taken off the list of admins a moment ago
    "N0003": "admin_done_differently",
    "N0004": "admin_bad_number",
    "N0005": "admin_is_admin",
    "L0002": "admin_balance_too_low",
}


class Done(NamedTuple):
    """The line about an action, and the number of its audit entry where it can be undone."""

    line: str
    entry: int | None = None


def carry_out(unit: Unit, person: Found, action: Callable[..., Done], *values: Any) -> Done:
    """Do something to a user and return the line about it, also when a rule refuses it."""
    try:
        return action(unit, person, *values)
    except Refusal as refusal:
        if refusal.sqlstate not in _REFUSALS:
            raise
        return Done(unit.text(_REFUSALS[refusal.sqlstate], name=name_of(person)))


def deliver(result: dict[str, Any]) -> None:
    """Send what a function queued for the user now; what is not sent in time waits for the sweep."""
    if result["outgoing"]:
        from shared.payments import notifications  # a start need not wait for it

        notifications.deliver(result["outgoing"])


def _done(result: dict[str, Any], line: str) -> Done:
    deliver(result)
    return Done(line, result["id"] if result["before"] != result["after"] else None)


def grant(unit: Unit, person: Found, credits_: int, reason: str | None = None) -> Done:
    """Give bonus credits, or take some back."""
    result = db.call(
        "admin_add_bonus_credits",
        p_user_id=person["id"],
        p_credits=credits_,
        p_admin_email=unit.person.admin_email,
        p_reference=unit.reference,
        p_reason=storable(reason),
    )
    values = {"before": result["before"], "after": result["after"]}
    return _done(result, unit.text("admin_granted", name=name_of(person), **values))


def give_trainings(unit: Unit, person: Found, trainings: int, reason: str | None = None) -> Done:
    """Give free trainings, or take unused ones back."""
    result = db.call(
        "admin_give_trainings",
        p_user_id=person["id"],
        p_quantity=trainings,
        p_admin_email=unit.person.admin_email,
        p_reference=unit.reference,
        p_reason=storable(reason),
    )
    values = {"before": result["before"], "after": result["after"]}
    return _done(result, unit.text("admin_gave_trainings", name=name_of(person), **values))


def add_balance(unit: Unit, person: Found, amount: str, reason: str | None = None) -> Done:
    """Add to the balance, or take from it."""
    result = db.call(
        "admin_adjust_balance",
        p_user_id=person["id"],
        p_amount=amount,
        p_admin_email=unit.person.admin_email,
        p_reference=unit.reference,
        p_reason=storable(reason),
    )
    before, after = (
        figures.money(unit.language, Decimal(result[when]), result["currency"])
        for when in ("before", "after")
    )
    return _done(result, unit.text("admin_balance", name=name_of(person), before=before, after=after))


def reset(unit: Unit, person: Found) -> Done:
    """Give the month's requests back, today's included."""
    result = db.call(
        "admin_reset_user_usage",
        p_user_id=person["id"],
        p_admin_email=unit.person.admin_email,
        p_reference=unit.reference,
    )
    values = {"before": result["before"], "after": result["after"]}
    return _done(result, unit.text("admin_reset", name=name_of(person), **values))


def set_plan(unit: Unit, person: Found, plan: str, days: int | None) -> Done:
    """Give a plan from now on for some days, or without an end; the free one takes back what admins gave."""
    result = db.call(
        "admin_set_plan",
        p_user_id=person["id"],
        p_plan=plan,
        p_days=days,
        p_admin_email=unit.person.admin_email,
        p_reference=unit.reference,
    )
    before, after = (
        plan_until(unit, result[when]["plan"], result[when]["ends_at"]) for when in ("before", "after")
    )
    if days is None and plan == person["plans"][0] and result["after"]["plan"] != plan:
        # A plan that was bought ends with its refund.
        return _done(result, unit.text("admin_plan_bought", name=name_of(person), plan=after))
    return _done(result, unit.text("admin_plan_set", name=name_of(person), before=before, after=after))


def ban(unit: Unit, person: Found, reason: str | None) -> Done:
    """Keep a user out of all bots."""
    db.call(
        "admin_ban_user",
        p_user_id=person["id"],
        p_reason=storable(reason),
        p_admin_email=unit.person.admin_email,
        p_reference=unit.reference,
    )
    return Done(unit.text("admin_banned", name=name_of(person)))


def unban(unit: Unit, person: Found) -> Done:
    """Let a user into the bots again."""
    done = db.call(
        "admin_unban_user",
        p_user_id=person["id"],
        p_admin_email=unit.person.admin_email,
        p_reference=unit.reference,
    )
    deliver(done)
    key = "admin_unbanned" if done["before"]["banned_at"] else "admin_not_banned"
    return Done(unit.text(key, name=name_of(person)))


def plan_until(unit: Unit, plan: str, ends_at: str | None) -> str:
    """Return a plan's name, with its end where it has one."""
    name = plan_name(unit, plan)
    return unit.text("admin_plan_until", plan=name, date=unit.date(ends_at)) if ends_at else name


def storable(reason: str | None) -> str | None:
    """Return a reason as it may be kept for ever: without what looks like somebody's key."""
    return hide_secrets(reason)[:MAX_REASON] if reason else None
