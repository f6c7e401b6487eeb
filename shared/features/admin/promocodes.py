"""/promocode: lists promo codes, creates one, switches one on or off."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import clock, db
from shared.core.errors import Refusal
from shared.core.texts import Text
from shared.features.admin.actions import redacted_reason
from shared.features.admin.users import button_arguments, command_arguments
from shared.features.common.menu import PROMO
from shared.features.common.plans import plan_name
from shared.telegram import current_context, reply
from shared.telegram.context import StateUnavailable, UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import AdminCreatePromocode, AdminPromocodes, PromocodeDetails

router = Router()

_PAGE = 8  # codes
_CODE = re.compile(r"[A-Za-z0-9_-]{3,32}")
_NUMBER = re.compile(r"[0-9]{1,7}")
_MOST = {  # as the table checks, and the text that says so
    "month": (36, "admin_promocode_bad_month"),
    "credits": (1_000_000, "admin_promocode_bad_credits"),
    "trainings": (1000, "admin_promocode_bad_trainings"),
    "percent": (99, "admin_promocode_bad_percent"),
}
_MOST_USES = 1_000_000
_MOST_DAYS = 3660
_GIVES = {
    "month": "admin_promocode_month",
    "credits": "admin_promocode_credits",
    "trainings": "admin_promocode_trainings",
    "percent": "admin_promocode_percent",
}
_STATES = {
    "active": "admin_promocode_active",
    "off": "admin_promocode_off",
    "used_up": "admin_promocode_used_up",
    "over": "admin_promocode_over",
    "not_yet": "admin_promocode_not_yet",
}
_REFUSALS = {
    "N0001": "unknown_command",  # removed from the admins a moment ago
    "N0003": "admin_done_differently",
    "Z0007": "admin_usage_promocode",  # _faults names what an admin can get wrong
}


@router.message_handler(commands=["promocode"], admin=True)
def promocode(message: Message) -> None:
    """Show all codes or one of them, or create one."""
    context = current_context()
    match command_arguments(message, 6):
        case []:
            reply(*_list(context, None))
        case [code]:
            reply(*_show(context, code))
        case [code, kind, value, *rest]:
            reply(*_create(context, code, kind.lower(), value, rest))
        case _:
            reply(context.rich("admin_usage_promocode"))


@router.callback_query_handler(data=r"admin:promocodes:[0-9]{1,9}", admin=True)
def turn_page(call: CallbackQuery) -> None:
    """Show the codes before a number; 0 means the newest."""
    context = current_context()
    context.show(*_list(context, int(button_arguments(call)[0]) or None))


@router.callback_query_handler(data=r"admin:promocode:[A-Z0-9_-]{3,32}", admin=True)
def show_code(call: CallbackQuery) -> None:
    """Show one code."""
    context = current_context()
    found = _find(context, button_arguments(call)[0])
    if found is None:
        return context.answer_callback(context.text("button_old"), alert=True)
    return context.show(*_card(context, found))


@router.callback_query_handler(data=r"admin:promocode_(on|off):[A-Z0-9_-]{3,32}", admin=True)
def switch(call: CallbackQuery) -> None:
    """Switch a code off, or on again."""
    context = current_context()
    try:
        found: PromocodeDetails | None = db.call(
            "admin_switch_promocode",
            p_code=button_arguments(call)[0],
            p_is_active=(call.data or "").startswith("admin:promocode_on:"),
            p_admin_email=context.user.admin_email,
            p_reference=context.reference,
        )
    except Refusal as refusal:
        return context.answer_callback(context.text(_reason(refusal)), alert=True)
    if found is None:
        return context.answer_callback(context.text("button_old"), alert=True)
    context.answer_callback(context.text(_STATES[found["state"]]))
    return context.show(*_card(context, found))


def _show(context: UpdateContext, code: str) -> tuple[Text, Keyboard]:
    if not _CODE.fullmatch(code):
        return context.rich("admin_promocode_bad_code"), []
    found = _find(context, code)
    return _card(context, found) if found else (context.rich("admin_promocode_none", code=code), [])


def _faults(code: str, kind: str, value: str, uses: str, days: str) -> list[str]:
    """Return the texts on what is wrong with the words for a new code."""
    faults = []
    if not _CODE.fullmatch(code):
        faults.append("admin_promocode_bad_code")
    if kind not in _MOST:
        faults.append("admin_promocode_bad_kind")
    elif not _is_within(value, _MOST[kind][0]):
        faults.append(_MOST[kind][1])
    if uses != "-" and not _is_within(uses, _MOST_USES):
        faults.append("admin_promocode_bad_uses")
    if days != "-" and not _is_within(days, _MOST_DAYS):
        faults.append("admin_promocode_bad_days")
    return faults


def _is_within(number: str, most: int) -> bool:
    return bool(_NUMBER.fullmatch(number)) and 1 <= int(number) <= most


def _create(
    context: UpdateContext, code: str, kind: str, value: str, rest: list[str]
) -> tuple[Text, Keyboard]:
    limits = (*rest[:2], "-", "-")[:2]
    if faults := _faults(code, kind, value, *limits):
        reasons = "\n".join(context.text(fault) for fault in faults)
        return context.rich("admin_promocode_bad", reasons=reasons), []
    uses, days = (None if word == "-" else int(word) for word in limits)
    if context.is_offline:
        raise StateUnavailable
    try:
        made: AdminCreatePromocode = db.call(
            "admin_create_promocode",
            p_code=code,
            p_kind=kind,
            p_value=int(value),
            p_admin_email=context.user.admin_email,
            p_max_uses=uses,
            p_valid_until=clock.now() + timedelta(days=days) if days else None,
            p_note=redacted_reason(" ".join(rest[2:])),
            p_reference=context.reference,
        )
    except Refusal as refusal:
        return context.rich(_reason(refusal)), []
    text, keyboard = _card(context, made["promocode"])
    if made["outcome"] == "created":
        return text, keyboard
    return context.rich("admin_promocode_taken", code=made["promocode"]["code"]), keyboard


def _reason(refusal: Refusal) -> str:
    if refusal.sqlstate not in _REFUSALS:
        raise refusal
    return _REFUSALS[refusal.sqlstate]


def _read(context: UpdateContext, code: str | None = None, before: int | None = None) -> AdminPromocodes:
    """Return one code, or a page of all."""
    if context.is_offline:
        raise StateUnavailable
    page: AdminPromocodes = db.call(
        "admin_promocodes",
        p_admin_email=context.user.admin_email,
        p_code=code,
        p_before=before,
        p_limit=_PAGE,
    )
    return page


def _find(context: UpdateContext, code: str) -> PromocodeDetails | None:
    return next(iter(_read(context, code)["promocodes"]), None)


def _list(context: UpdateContext, before: int | None) -> tuple[Text, Keyboard]:
    page = _read(context, before=before)
    if not page["promocodes"]:
        return context.rich("admin_promocodes_none"), []
    lines = "\n".join(
        context.text(
            "admin_promocodes_line",
            code=one["code"],
            gives=_gives(context, one),
            uses=_uses(context, one),
            state=context.text(_STATES[one["state"]]),
        )
        for one in page["promocodes"]
    )
    codes = [(one["code"], f"admin:promocode:{one['code']}") for one in page["promocodes"]]
    rows = [codes[n : n + 2] for n in range(0, len(codes), 2)]
    turns = []
    if before is not None:
        turns.append((context.text("admin_audit_newest"), "admin:promocodes:0"))
    if page["next"] is not None:
        turns.append((context.text("admin_audit_older"), f"admin:promocodes:{page['next']}"))
    return context.rich("admin_promocodes", codes=lines), [*rows, turns] if turns else rows


def _card(context: UpdateContext, found: PromocodeDetails) -> tuple[Text, Keyboard]:
    until = found["valid_until"]
    lines = [
        context.text("admin_promocode_uses", uses=_uses(context, found)),
        context.text("admin_promocode_until", date=context.date(until, with_time=True)) if until else "",
        context.text("admin_promocode_note", note=found["note"]) if found["note"] else "",
    ]
    code = found["code"]
    text = context.rich(
        "admin_promocode",
        code=code,
        gives=_gives(context, found),
        state=context.text(_STATES[found["state"]]),
        lines="\n".join(filter(None, lines)),
        link=f"https://t.me/{context.bot.user.username}?start={PROMO}{code}",
    )
    label, action = (
        ("admin_button_promocode_off", "off") if found["is_active"] else ("admin_button_promocode_on", "on")
    )
    return text, [
        [(context.text(label), f"admin:promocode_{action}:{code}")],
        [(context.text("admin_button_promocodes"), "admin:promocodes:0")],
    ]


def _gives(context: UpdateContext, found: PromocodeDetails) -> str:
    plan = plan_name(context, found["plan"]) if found["plan"] else ""
    return context.text(_GIVES[found["kind"]], value=found["value"], plan=plan)


def _uses(context: UpdateContext, found: PromocodeDetails) -> str:
    if found["max_uses"] is None:
        return str(found["uses"])
    return context.text("admin_promocode_of", uses=found["uses"], limit=found["max_uses"])
