"""Undoes an action of an admin, once; the SQL function notifies the user."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from shared.core import db
from shared.core.errors import Refusal
from shared.core.json_types import JsonObject
from shared.core.texts import figures
from shared.core.texts.reader import Reader
from shared.features.admin.actions import deliver, plan_until
from shared.features.common.plans import plan_name
from shared.telegram.context import StateUnavailable, UpdateContext

if TYPE_CHECKING:
    from shared.core.sql_types import AdminUndo, LastUndoable

_AMOUNTS = {  # by action: the text of its undo button, and the field of the log
    "add_bonus_credits": ("undo_credits", "bonus_credits"),
    "give_trainings": ("undo_trainings", "trainings"),
    "adjust_xp": ("undo_xp", "total_xp"),
}
_REFUSALS = {"N0001": "unknown_command", "N0003": "admin_done_differently"}


class Undone(NamedTuple):
    """The line about an undone action, and the Telegram ID of the user whose card shows it."""

    line: str
    who: str | None = None


def undo(context: UpdateContext, entry: int) -> Undone:
    """Undo an entry of the audit log and return the line about it."""
    if context.is_offline:
        raise StateUnavailable
    try:
        done: AdminUndo = db.call(
            "admin_undo",
            p_audit_id=entry,
            p_admin_email=context.user.admin_email,
            p_reference=context.reference,
        )
    except Refusal as refusal:
        if refusal.sqlstate not in _REFUSALS:
            raise
        return Undone(context.text(_REFUSALS[refusal.sqlstate]))
    if done["outcome"] != "undone":
        return Undone(context.text(f"admin_undo_{done['outcome']}"))
    deliver(done["outgoing"])
    key = "admin_undo_part" if done["is_partial"] else "admin_undo_done"
    before, after = (
        written(context, context.user.currency, done["action"], done[when]) for when in ("before", "after")
    )
    return Undone(context.text(key, before=before, after=after), str(done["telegram_id"]))


def written(reader: Reader, currency: str, action: str, state: JsonObject) -> str:
    """Format a value before or after an undo."""
    if "plan" in state:
        return plan_until(reader, state["plan"], state["ends_at"])
    if "badge" in state:
        return str(state["badge"]) if state["has"] else "—"
    amount = Decimal(state.get("amount") or state.get("balance") or state.get("requests") or 0)
    if action == "adjust_balance":
        return figures.money(reader.language, amount, currency)
    return figures.number(reader.language, amount)


def undo_label(context: UpdateContext, entry: LastUndoable) -> str:
    """Return a button's label for undoing an entry of the audit log."""
    before, after = entry["before"], entry["after"]
    match entry["action"]:
        case "add_bonus_credits" | "give_trainings" | "adjust_xp" as action:
            key, field = _AMOUNTS[action]
            return context.text(key, change=_signed(context, before, after, field))
        case "award_badge" | "revoke_badge" as action:
            return context.text(f"undo_{action}", badge=after["badge"])
        case "adjust_balance":
            change = Decimal(after["balance"]) - Decimal(before["balance"])
            sign = "+" if change > 0 else ""
            return sign + figures.money(context.language, change, context.user.currency)
        case "set_plan":
            return context.text("undo_plan", plan=plan_name(context, after["given"]))
        case _:
            return context.text("undo_reset")


def _signed(context: UpdateContext, before: JsonObject, after: JsonObject, field: str) -> str:
    change = after[field] - before[field]
    return ("+" if change > 0 else "") + figures.number(context.language, change)
