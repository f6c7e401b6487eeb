"""The user beside a conversation: plan, money, use, XP, courses, and what an admin can do for them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field
from werkzeug.exceptions import Forbidden

from shared.core import db, texts
from shared.core.texts import figures
from shared.features import xp
from shared.features.messenger.pages import filters
from shared.features.messenger.pages.paths import PATH
from shared.web import forms, markdown
from shared.web.access import Access
from shared.web.page import Page, row_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flask import Response

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import (
        AdminAddBonusCredits,
        AdminResetUserUsage,
        ConversationRow,
        OutgoingItem,
        ReadConversation,
        ReadConversationCard,
        StaffAccount,
    )
    from shared.web.visit import Visit

_ORDERS, _NOTES = 5, 5
_ADMINS = ("owner", "admin")
_CONVERSATION = f"{PATH}/{row_id('number')}"


class _Credits(BaseModel):
    """How many bonus requests to give; `reference` makes a repeated form give them once."""

    credits: int = Field(ge=1, le=10_000)
    reason: str = Field(default="", max_length=200)
    reference: forms.Reference


class _Reset(BaseModel):
    reference: forms.Reference


def values(visit: Visit, row: ConversationRow) -> JsonObject:
    """Return what the card shows of a conversation's user.

    Raises:
        NotFound: the user was erased at this moment.
    """
    found: ReadConversationCard = db.call(
        "read_conversation_card", p_actor_id=visit.user.user_id, p_conversation_id=row["id"]
    )
    user, currency = found["user"], found["currency"]
    return {
        "telegram_id": user["telegram_id"],
        "since": visit.date(user["created_at"]),
        "seen": visit.date(user["last_activity"], with_time=True),
        "banned": markdown.clean(user["ban_reason"] or "") or user["banned_at"] or "",
        "language": user["language"] or "",
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
        "references": (forms.new_reference(), forms.new_reference()),
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


def _acting(visit: Visit, number: int) -> tuple[str, int]:
    """Return the account of the admin and the id of the conversation's user.

    Raises:
        Forbidden: the user of the page is no admin any more.
        NotFound: there is no such conversation.
    """
    acting: StaffAccount = db.call("staff_account", p_user_id=visit.user.user_id, p_role="admin")
    if acting["account"] is None:
        raise Forbidden
    found: ReadConversation = db.call(
        "read_conversation", p_actor_id=visit.user.user_id, p_conversation_id=number, p_limit=1
    )
    return acting["account"], found["conversation"]["user"]["id"]


def give(visit: Visit, number: int) -> Response:
    """Give the user bonus requests."""
    sent = visit.form(_Credits)
    account, user_id = _acting(visit, number)
    done: AdminAddBonusCredits = db.call(
        "admin_add_bonus_credits",
        p_user_id=user_id,
        p_credits=sent.credits,
        p_admin_email=account,
        p_reference=f"web:{visit.user.user_id}:{sent.reference}",
        p_reason=sent.reason,
    )
    _deliver(done["outgoing"])
    return _back(visit, number, "messenger_given_notice")


def reset(visit: Visit, number: int) -> Response:
    """Give the user the requests of today and this month back."""
    sent = visit.form(_Reset)
    account, user_id = _acting(visit, number)
    done: AdminResetUserUsage = db.call(
        "admin_reset_user_usage",
        p_user_id=user_id,
        p_admin_email=account,
        p_reference=f"web:{visit.user.user_id}:{sent.reference}",
    )
    _deliver(done["outgoing"])
    return _back(visit, number, "messenger_reset_notice")


def _deliver(messages: Sequence[OutgoingItem]) -> None:
    if messages:
        from shared.telegram import outbox  # imports telebot, which the other pages do not need

        outbox.deliver_outgoing(messages)


def _back(visit: Visit, number: int, notice: str) -> Response:
    return visit.redirect(f"{PATH}/{number}/card", notice, "", **filters.read(visit).as_query())


pages = (
    Page(f"{_CONVERSATION}/give", give, methods=("POST",), max_body=4_000, access=Access.ADMIN),
    Page(f"{_CONVERSATION}/reset", reset, methods=("POST",), max_body=2_000, access=Access.ADMIN),
)
