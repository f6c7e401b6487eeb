"""What an admin can do to a user. Each action returns a line with the values before and after.

A line is the same however often an update is delivered: the function answers a reference it knows with what
it did then. The function also queues the message to the user.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from shared.core import db, texts
from shared.core.errors import Refusal
from shared.core.log import redact_secrets
from shared.core.texts import figures
from shared.core.texts.reader import Reader
from shared.features import xp
from shared.features.admin.users import user_name
from shared.telegram import outbox
from shared.telegram.context import UpdateContext

if TYPE_CHECKING:
    from shared.core.sql_types import (
        AdminAddBonusCredits,
        AdminAdjustBalance,
        AdminAdjustXp,
        AdminAwardBadge,
        AdminEnroll,
        AdminFindUser,
        AdminGiveTrainings,
        AdminResetUserUsage,
        AdminRevokeBadge,
        AdminSetPlan,
        AdminUnbanUser,
        OutgoingItem,
    )

MAX_REASON = 500  # characters, as the SQL functions take it
_REFUSALS = {
    "N0001": "unknown_command",  # removed from the admins a moment ago
    "N0003": "admin_done_differently",
    "N0004": "admin_bad_number",
    "N0005": "admin_is_admin",
    "L0002": "admin_balance_too_low",
}


class Done(NamedTuple):
    """The line about an action, and the number of its audit entry where it can be undone."""

    line: str
    entry: int | None = None


def carry_out(
    context: UpdateContext, user: AdminFindUser, action: Callable[..., Done], *values: object
) -> Done:
    """Run an action and return the line about it, also when a rule refuses it."""
    try:
        return action(context, user, *values)
    except Refusal as refusal:
        if refusal.sqlstate not in _REFUSALS:
            raise
        return Done(context.text(_REFUSALS[refusal.sqlstate], name=user_name(user)))


def deliver(outgoing: list[OutgoingItem]) -> None:
    """Deliver what a function enqueued for the user; the sweep delivers what is left."""
    if outgoing:
        outbox.deliver_outgoing(outgoing)


def _done(
    result: AdminAddBonusCredits
    | AdminAdjustBalance
    | AdminAdjustXp
    | AdminGiveTrainings
    | AdminResetUserUsage
    | AdminSetPlan,
    line: str,
) -> Done:
    deliver(result["outgoing"])
    return Done(line, result["id"] if result["before"] != result["after"] else None)


def grant(context: UpdateContext, user: AdminFindUser, credits_: int, reason: str | None = None) -> Done:
    """Give bonus credits, or take some back."""
    result: AdminAddBonusCredits = db.call(
        "admin_add_bonus_credits",
        p_user_id=user["id"],
        p_credits=credits_,
        p_admin_email=context.user.admin_email,
        p_reference=context.reference,
        p_reason=redacted_reason(reason),
    )
    values = {"before": result["before"], "after": result["after"]}
    return _done(result, context.text("admin_granted", name=user_name(user), **values))


def give_trainings(
    context: UpdateContext, user: AdminFindUser, trainings: int, reason: str | None = None
) -> Done:
    """Give free trainings, or take unused ones back."""
    result: AdminGiveTrainings = db.call(
        "admin_give_trainings",
        p_user_id=user["id"],
        p_quantity=trainings,
        p_admin_email=context.user.admin_email,
        p_reference=context.reference,
        p_reason=redacted_reason(reason),
    )
    values = {"before": result["before"], "after": result["after"]}
    return _done(result, context.text("admin_gave_trainings", name=user_name(user), **values))


def add_balance(context: UpdateContext, user: AdminFindUser, amount: str, reason: str | None = None) -> Done:
    """Add to the balance, or take from it."""
    result: AdminAdjustBalance = db.call(
        "admin_adjust_balance",
        p_user_id=user["id"],
        p_amount=amount,
        p_admin_email=context.user.admin_email,
        p_reference=context.reference,
        p_reason=redacted_reason(reason),
    )
    before, after = (
        figures.money(context.language, Decimal(result[when]), result["currency"])
        for when in ("before", "after")
    )
    return _done(result, context.text("admin_balance", name=user_name(user), before=before, after=after))


def adjust_xp(context: UpdateContext, user: AdminFindUser, points: int, reason: str | None = None) -> Done:
    """Give XP, or take some back, down to zero."""
    result: AdminAdjustXp = db.call(
        "admin_adjust_xp",
        p_user_id=user["id"],
        p_points=points,
        p_admin_email=context.user.admin_email,
        p_reference=context.reference,
        p_reason=redacted_reason(reason),
    )
    before, after = (figures.number(context.language, result[when]) for when in ("before", "after"))
    return _done(result, context.text("admin_xp", name=user_name(user), before=before, after=after))


def award_badge(context: UpdateContext, user: AdminFindUser, badge: str, bot: str, reason: str) -> Done:
    """Give a badge, also one that was taken."""
    result: AdminAwardBadge = db.call(
        "admin_award_badge",
        p_user_id=user["id"],
        p_badge=badge,
        p_bot=bot,
        p_admin_email=context.user.admin_email,
        p_reference=context.reference,
        p_reason=redacted_reason(reason),
    )
    return _badge_done(context, user, badge, result, "admin_badge_given")


def revoke_badge(context: UpdateContext, user: AdminFindUser, badge: str, bot: str, reason: str) -> Done:
    """Take a badge; its condition does not award it again."""
    result: AdminRevokeBadge = db.call(
        "admin_revoke_badge",
        p_user_id=user["id"],
        p_badge=badge,
        p_bot=bot,
        p_admin_email=context.user.admin_email,
        p_reference=context.reference,
        p_reason=redacted_reason(reason),
    )
    return _badge_done(context, user, badge, result, "admin_badge_taken")


def enroll(context: UpdateContext, user: AdminFindUser, slug: str, tier: str, days: int | None) -> Done:
    """Give a tier of a course, for some days or without an end."""
    result: AdminEnroll = db.call(
        "admin_enroll",
        p_user_id=user["id"],
        p_slug=slug,
        p_tier=tier,
        p_admin_email=context.user.admin_email,
        p_reference=context.reference,
        p_days=days,
    )
    deliver(result["outgoing"])
    until = result["expires_at"] and context.date(result["expires_at"])
    key = "admin_enrolled_until" if until else "admin_enrolled"
    return Done(context.text(key, name=user_name(user), course=slug, tier=tier, until=until))


def _badge_done(
    context: UpdateContext,
    user: AdminFindUser,
    badge: str,
    result: AdminAwardBadge | AdminRevokeBadge,
    key: str,
) -> Done:
    is_changed = result["before"] != result["after"]
    values = {"name": user_name(user), "badge": xp.badge_title(context, badge)}
    if not is_changed:
        return Done(context.text("admin_badge_same", **values))
    return Done(context.text(key, **values), result["id"])


def reset(context: UpdateContext, user: AdminFindUser) -> Done:
    """Give the month's requests back, today's included."""
    result: AdminResetUserUsage = db.call(
        "admin_reset_user_usage",
        p_user_id=user["id"],
        p_admin_email=context.user.admin_email,
        p_reference=context.reference,
    )
    values = {"before": result["before"], "after": result["after"]}
    return _done(result, context.text("admin_reset", name=user_name(user), **values))


def set_plan(context: UpdateContext, user: AdminFindUser, plan: str, days: int | None) -> Done:
    """Give a plan from now on for some days, or without an end; the free one takes back what admins gave."""
    result: AdminSetPlan = db.call(
        "admin_set_plan",
        p_user_id=user["id"],
        p_plan=plan,
        p_days=days,
        p_admin_email=context.user.admin_email,
        p_reference=context.reference,
    )
    before, after = (
        plan_until(context, result[when]["plan"], result[when]["ends_at"]) for when in ("before", "after")
    )
    if days is None and plan == user["plans"][0] and result["after"]["plan"] != plan:
        # A plan that was bought ends with its refund.
        return _done(result, context.text("admin_plan_bought", name=user_name(user), plan=after))
    return _done(result, context.text("admin_plan_set", name=user_name(user), before=before, after=after))


def ban(context: UpdateContext, user: AdminFindUser, reason: str | None) -> Done:
    """Ban a user from all bots."""
    db.call(
        "admin_ban_user",
        p_user_id=user["id"],
        p_reason=redacted_reason(reason),
        p_admin_email=context.user.admin_email,
        p_reference=context.reference,
    )
    return Done(context.text("admin_banned", name=user_name(user)))


def unban(context: UpdateContext, user: AdminFindUser) -> Done:
    """Unban a user."""
    done: AdminUnbanUser = db.call(
        "admin_unban_user",
        p_user_id=user["id"],
        p_admin_email=context.user.admin_email,
        p_reference=context.reference,
    )
    deliver(done["outgoing"])
    key = "admin_unbanned" if done["before"]["banned_at"] else "admin_not_banned"
    return Done(context.text(key, name=user_name(user)))


def plan_until(reader: Reader, plan: str, ends_at: str | None) -> str:
    """Return a plan's name, with its end where it has one."""
    name = texts.plan_name(reader.language, plan)
    return reader.text("admin_plan_until", plan=name, date=reader.date(ends_at)) if ends_at else name


def redacted_reason(reason: str | None) -> str | None:
    """Return a reason without anything that looks like a credential, since the audit log is permanent."""
    return redact_secrets(reason)[:MAX_REASON] if reason else None
