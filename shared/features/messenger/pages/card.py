"""The user beside a conversation: plan, money, use, XP, courses, and notes of the team."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from shared.core import db, texts
from shared.core.texts import figures
from shared.features import xp
from shared.features.messenger import write_note
from shared.features.messenger.pages import filters
from shared.features.messenger.pages.paths import PATH
from shared.web import forms, markdown
from shared.web.access import Access
from shared.web.page import Page, row_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Response

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import (
        ConversationRow,
        ReadConversationCard,
    )
    from shared.web.visit import Visit

_ORDERS, _NOTES = 5, 5
_ADMINS = ("owner", "admin")
_CONVERSATION = f"{PATH}/{row_id('number')}"


class _Note(BaseModel):
    """A note for the team; `reference` makes a repeated form write it once."""

    body: str = Field(min_length=1, max_length=4_096, pattern=r"\S")
    reference: forms.Reference


def read(visit: Visit, number: int) -> ReadConversationCard:
    """Return what is known about a conversation's user.

    Raises:
        Forbidden: the visitor is no operator any more.
        NotFound: there is no such conversation.
    """
    found: ReadConversationCard = db.call(
        "read_conversation_card", p_actor_id=visit.user.user_id, p_conversation_id=number
    )
    return found


def values(visit: Visit, row: ConversationRow) -> JsonObject:
    """Return what the card shows of a conversation's user.

    Raises:
        NotFound: the user was erased at this moment.
    """
    found = read(visit, row["id"])
    user, currency = found["user"], found["currency"]
    return {
        "telegram_id": user["telegram_id"],
        "since": visit.date(user["created_at"]),
        "seen": visit.date(user["last_activity"], with_time=True),
        "banned": markdown.clean(user["ban_reason"] or "")
        or (visit.date(user["banned_at"]) if user["banned_at"] else ""),
        "language": _language(user["language"] or ""),
        "ai": [
            (visit.text(f"messenger_ai_{name}"), markdown.clean(value))
            for name in ("real_name", "background", "query")
            if (value := row[f"ai_{name}"])  # type: ignore[literal-required]
        ],
        "plan": texts.plan_name(visit.language, found["plan"]),
        "plan_until": visit.date(found["plan_ends_at"]) if found["plan_ends_at"] else "",
        "balance": figures.money(visit.language, Decimal(found["balance"]), currency),
        "credits": figures.number(visit.language, found["bonus_credits"]),
        "today": _use(visit, found["requests"], found["daily_requests"]),
        "month": _use(visit, found["month_requests"], found["monthly_requests"]),
        "referrals": figures.number(visit.language, found["referrals"]),
        "paid": [
            figures.money(visit.language, Decimal(one["paid"]) - Decimal(one["refunded"]), one["currency"])
            for one in found["money"]["sums"]
        ],
        "xp": found["total_xp"],
        "level": found["level"],
        "courses": [
            (_title(visit, one["titles"], one["slug"]), one["completed_lessons"], one["lessons"])
            for one in found["courses"]
        ],
        "orders": [
            {
                "title": _title(visit, one["titles"], one["product"]),
                "amount": figures.money(visit.language, Decimal(one["amount"]), one["currency"]),
                "status": _status(visit, one["status"]),
                "date": visit.date(one["completed_at"] or one["created_at"]),
            }
            for one in found["orders"][:_ORDERS]
        ],
        "notes": [
            (markdown.clean(one["body"]), visit.date(one["created_at"]), one["seq"])
            for one in found["notes"][:_NOTES]
        ],
        "others": [(one["id"], xp.bot_title(visit, one["bot"])) for one in found["other_conversations"]],
        "is_admin": visit.user.role in _ADMINS,
        "is_banned": user["banned_at"] is not None,
        "plans": [(one, texts.plan_name(visit.language, one)) for one in found["plans"]],
        "plan_key": found["plan"],
        "currency": figures.currency_name(currency),
        "reference": forms.new_reference,
    }


def _use(visit: Visit, used: int, limit: int | None) -> str:
    if limit is None:
        return figures.number(visit.language, used)
    return visit.text("messenger_of", used=used, limit=limit)


def _title(visit: Visit, titles: Mapping[str, str], key: str) -> str:
    return markdown.clean(texts.pick(visit.language, titles) if titles else key)


def _status(visit: Visit, status: str) -> str:
    key = f"payment_status_{status}"
    return visit.text(key) if texts.has(visit.language, key) else status


def add_note(visit: Visit, number: int) -> Response:
    """Write a note for the team.

    Raises:
        FormError: the note is empty or too long.
    """
    sent = visit.form(_Note)
    reference = f"web:{visit.user.user_id}:{sent.reference}"
    is_written = write_note(visit.user.user_id, number, sent.body, reference)
    notice = "messenger_note_notice" if is_written else "messenger_secret_notice"
    return visit.redirect(f"{PATH}/{number}/card", notice, "notes", **filters.read(visit).as_query())


pages = (Page(f"{_CONVERSATION}/note", add_note, methods=("POST",), max_body=70_000, access=Access.OPERATOR),)


def _language(code: str) -> str:
    """Return the name of a language that the product speaks; the code of another one."""
    return texts.language(code).NAME.partition(" ")[2] if code in texts.codes() else code
