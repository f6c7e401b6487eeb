"""Undoes what an admin did to a user, once; the function tells the user."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

from shared.bots.assistant.admin.actions import deliver, plan_until
from shared.bots.assistant.features import plan_name
from shared.core import db
from shared.core.errors import Refusal
from shared.core.texts import figures
from shared.telegram.unit import StateUnavailable, Unit

_REFUSALS = {"N0001": "unknown_command", "N0003": "admin_done_differently"}


class Undone(NamedTuple):
    """What was said about it, and the Telegram id of whose card shows it now."""

    line: str
    who: str | None = None


def undo(unit: Unit, entry: int) -> Undone:
    """Undo an entry of the audit log and return the line about it."""
    if unit.is_offline:
        raise StateUnavailable
    try:
        done = db.call(
            "admin_undo",
            p_audit_id=entry,
            p_admin_email=unit.person.admin_email,
            p_reference=unit.reference,
        )
    except Refusal as refusal:
        if refusal.sqlstate not in _REFUSALS:
            raise
        return Undone(unit.text(_REFUSALS[refusal.sqlstate]))
    if done["outcome"] != "undone":
        return Undone(unit.text(f"admin_undo_{done['outcome']}"))
    deliver(done)
    key = "admin_undo_part" if done["is_partial"] else "admin_undo_done"
    before, after = (written(unit, done["action"], done[when]) for when in ("before", "after"))
    return Undone(unit.text(key, before=before, after=after), str(done["telegram_id"]))


def written(unit: Unit, action: str, state: dict[str, Any]) -> str:
    """Write what an undo says of before or after."""
    if "plan" in state:
        return plan_until(unit, state["plan"], state["ends_at"])
    amount = Decimal(state.get("amount") or state.get("balance") or state.get("requests") or 0)
    if action == "adjust_balance":
        return figures.money(unit.language, amount, unit.person.currency)
    return figures.number(unit.language, amount)


def undo_label(unit: Unit, entry: dict[str, Any]) -> str:
    """Say in a few words what an entry of the audit log did, for a button."""
    before, after = entry["before"], entry["after"]
    match entry["action"]:
        case "add_bonus_credits":
            return unit.text("undo_credits", change=_signed(unit, before, after, "bonus_credits"))
        case "give_trainings":
            return unit.text("undo_trainings", change=_signed(unit, before, after, "trainings"))
        case "adjust_balance":
            change = Decimal(after["balance"]) - Decimal(before["balance"])
            sign = "+" if change > 0 else ""
            return sign + figures.money(unit.language, change, unit.person.currency)
        case "set_plan":
            return unit.text("undo_plan", plan=plan_name(unit, after["given"]))
        case _:
            return unit.text("undo_reset")


def _signed(unit: Unit, before: dict[str, Any], after: dict[str, Any], field: str) -> str:
    change = after[field] - before[field]
    return ("+" if change > 0 else "") + figures.number(unit.language, change)
