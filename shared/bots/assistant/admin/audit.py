"""/audit: who did what, the newest first, a page at a time."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from telebot.types import CallbackQuery, Message

from shared.bots.assistant import bot
from shared.bots.assistant.admin.card import find
from shared.bots.assistant.admin.people import (
    Found,
    is_person,
    look_up,
    name_of,
    parts,
    words,
)
from shared.bots.assistant.admin.product_pages import prices_line
from shared.bots.assistant.admin.undo import written
from shared.core import db, texts
from shared.core.texts import Text, figures
from shared.telegram import current, reply
from shared.telegram.unit import Keyboard, StateUnavailable, Unit

Entry = dict[str, Any]
_PAGE = 8  # entries; with the longest reasons they fit into one message
_REASON = 150  # characters of a reason in the list
_COUNTED = {
    "add_bonus_credits": "bonus_credits",
    "give_trainings": "trainings",
    "reset_user_usage": "requests",
}
_SWITCHED = {
    "switch_promocode": ("promocode_off", "promocode_on"),
    "switch_product": ("product_off", "product_on"),
}


@bot.admin_command("audit")
def audit(message: Message) -> None:
    """Show the last entries, of everybody or of one person."""
    unit = current()
    match words(message, 2):
        case []:
            reply(*_page(unit, None, None))
        case [who] if is_person(who):
            if person := find(unit, who):
                reply(*_page(unit, person, None))
        case _:
            reply(unit.rich("admin_usage_audit"))


@bot.admin_button(r"admin:audit:[0-9]{1,18}:[0-9]{1,9}")
def turn_page(call: CallbackQuery) -> None:
    """Show the entries before a number; 0 stands for everybody, and for the newest."""
    unit = current()
    who, before = parts(call)
    person = look_up(unit, who) if who != "0" else None
    if who != "0" and person is None:
        return unit.notice(unit.text("button_old"), alert=True)
    return unit.show(*_page(unit, person, int(before) or None))


def _page(unit: Unit, person: Found | None, before: int | None) -> tuple[Text, Keyboard]:
    if unit.is_offline:
        raise StateUnavailable
    page = db.call(
        "admin_audit",
        p_admin_email=unit.person.admin_email,
        p_user_id=person["id"] if person else None,
        p_before=before,
        p_limit=_PAGE,
    )
    entries = "\n\n".join(_line(unit, entry) for entry in page["entries"])
    key = "admin_audit_of" if person else "admin_audit"
    text = unit.rich(
        key, name=name_of(person) if person else "", entries=entries or unit.text("admin_audit_empty")
    )
    return text, _buttons(unit, person, before, page["next"])


def _buttons(unit: Unit, person: Found | None, before: int | None, older: int | None) -> Keyboard:
    who = person["telegram_id"] if person else 0
    row = []
    if before is not None:
        row.append((unit.text("admin_audit_newest"), f"admin:audit:{who}:0"))
    if older is not None:
        row.append((unit.text("admin_audit_older"), f"admin:audit:{who}:{older}"))
    rows = [row] if row else []
    if person:
        rows.append([(unit.text("admin_button_card"), f"admin:user:{who}")])
    return rows


def _line(unit: Unit, entry: Entry) -> str:
    reason = str(entry["after"].get("reason") or "")
    line = unit.text(
        "admin_audit_line",
        date=unit.date(entry["created_at"], with_time=True),
        admin=entry["admin_email"],
        what=_what(unit, entry),
        whom=_whom(unit, entry),
    )
    if not reason:
        return line
    return line + "\n" + unit.text("admin_audit_reason", reason=reason[:_REASON])


def _whom(unit: Unit, entry: Entry) -> str:
    """Say whom or what it was done to: a person, somebody who was erased, a promo code, money of nobody."""
    if entry["user"]:
        return name_of(entry["user"])
    nobody = "admin_audit_nobody" if "payment" in entry["after"] else "admin_audit_erased"
    return str(entry["after"].get("code") or entry["after"].get("product") or unit.text(nobody))


def _what(unit: Unit, entry: Entry) -> str:
    """Say what was done; an action this version has no words for is shown by its name."""
    before, after, action = entry["before"], entry["after"], str(entry["action"])
    key = f"audit_{_SWITCHED[action][after['is_active']] if action in _SWITCHED else action}"
    if key not in texts.language(unit.language).TEXTS:
        return action
    return unit.text(key, **_values(unit, action, before, after))


def _values(unit: Unit, action: str, before: Entry, after: Entry) -> dict[str, Any]:
    """Return the values that the text about an action names."""
    values: dict[str, Any] = {}
    match action:
        case "add_bonus_credits" | "give_trainings" | "reset_user_usage":
            field = _COUNTED[action]
            values = {"before": before[field], "after": after[field]}
        case "set_plan" | "adjust_balance" | "undo":
            which = after["action"] if action == "undo" else action
            values = {"before": written(unit, which, before), "after": written(unit, which, after)}
            values |= {"what": unit.text(f"undone_{which}")} if action == "undo" else {}
        case "refund_payment" | "refund_decided":
            values = {
                "money": figures.money(unit.language, Decimal(after["amount"]), after["currency"]),
                "payment": after["payment"],
                "state": unit.text(f"admin_refund_state_{after.get('status', 'open')}"),
            }
        case "set_prices":
            values = {
                "before": prices_line(unit, before["prices"]),
                "after": prices_line(unit, after["prices"]),
            }
        case "set_product_texts":
            titles = {"before": before.get("title", "—"), "after": after["title"]}
            values = {"language": after["language"], **titles}
    return values
