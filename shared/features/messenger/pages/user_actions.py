"""What an admin does to a conversation's user from the card: plan, balance, requests, ban.

Each form is answered by a page that says what will happen; its button, `confirmed`, makes it happen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import BaseModel, Field, field_validator
from werkzeug.exceptions import Forbidden

from shared.core import db, texts
from shared.core.errors import Refusal
from shared.core.log import redact_secrets
from shared.core.texts import figures
from shared.features.messenger.pages import card, filters
from shared.features.messenger.pages.paths import PATH
from shared.web import forms, markdown
from shared.web.access import Access
from shared.web.page import Page, row_id

if TYPE_CHECKING:
    from flask import Response

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import (
        AdminAddBonusCredits,
        AdminAdjustBalance,
        AdminResetUserUsage,
        AdminSetPlan,
        AdminUnbanUser,
        OutgoingItem,
        ReadConversationCard,
        StaffAccount,
    )
    from shared.web.visit import Visit

_USER = f"{PATH}/{row_id('number')}"
_LONGEST_REASON = 500
_REFUSALS = {
    "N0005": "messenger_ban_admin",
    "N0006": "messenger_no_plan",
    "L0002": "messenger_balance_low",
}


class _Form(BaseModel):
    """What all forms have; `reference` makes a repeated form act once."""

    reference: forms.Reference
    confirmed: bool = False


class _Plan(_Form):
    """A plan for some days; empty: without an end. The free plan takes back what admins gave."""

    plan: str = Field(min_length=1, max_length=64)
    days: int | None = Field(default=None, ge=1, le=3_660)

    @field_validator("days", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value if value != "" else None


class _Balance(_Form):
    way: Literal["add", "take"]
    amount: Decimal = Field(gt=0, le=1_000_000, decimal_places=2)
    reason: str = Field(default="", max_length=_LONGEST_REASON)

    @field_validator("amount", mode="before")
    @classmethod
    def _decimal_comma(cls, value: object) -> object:
        return value.strip().replace(",", ".") if isinstance(value, str) else value


class _Credits(_Form):
    credits: int = Field(ge=1, le=10_000)
    reason: str = Field(default="", max_length=_LONGEST_REASON)


class _Ban(_Form):
    reason: str = Field(default="", max_length=_LONGEST_REASON)


class _Acting(NamedTuple):
    """The user of the conversation, the account of the admin, and the idempotency key of the form."""

    user_id: int
    account: str
    reference: str


class _Action(NamedTuple):
    """An action: its form, the values of its question, and what runs it and returns messages to deliver."""

    form: type[_Form]
    values: Callable[[Visit, _Form, ReadConversationCard], JsonObject]
    run: Callable[[_Acting, _Form, ReadConversationCard], Sequence[OutgoingItem]]
    is_dangerous: bool = False


def _plan_values(visit: Visit, form: _Form, found: ReadConversationCard) -> JsonObject:
    assert isinstance(form, _Plan)
    days = _days(form, found)
    return {
        "plan": texts.plan_name(visit.language, form.plan),
        "days": visit.text("messenger_days", days=days) if days else visit.text("messenger_no_end"),
        "now": texts.plan_name(visit.language, found["plan"]),
    }


def _days(form: _Plan, found: ReadConversationCard) -> int | None:
    return None if form.plan == found["plans"][0] else form.days


def _set_plan(acting: _Acting, form: _Form, found: ReadConversationCard) -> Sequence[OutgoingItem]:
    assert isinstance(form, _Plan)
    done: AdminSetPlan = db.call(
        "admin_set_plan",
        p_user_id=acting.user_id,
        p_admin_email=acting.account,
        p_reference=acting.reference,
        p_plan=form.plan,
        p_days=_days(form, found),
    )
    return done["outgoing"]


def _balance_values(visit: Visit, form: _Form, found: ReadConversationCard) -> JsonObject:
    assert isinstance(form, _Balance)
    before, change = Decimal(found["balance"]), _change(form)
    return {
        name: figures.money(visit.language, amount, found["currency"])
        for name, amount in (("amount", form.amount), ("before", before), ("after", before + change))
    }


def _change(form: _Balance) -> Decimal:
    return form.amount if form.way == "add" else -form.amount


def _adjust_balance(acting: _Acting, form: _Form, found: ReadConversationCard) -> Sequence[OutgoingItem]:
    assert isinstance(form, _Balance)
    done: AdminAdjustBalance = db.call(
        "admin_adjust_balance",
        p_user_id=acting.user_id,
        p_admin_email=acting.account,
        p_reference=acting.reference,
        p_amount=str(_change(form)),
        p_reason=redact_secrets(form.reason),
    )
    return done["outgoing"]


def _credits_values(visit: Visit, form: _Form, found: ReadConversationCard) -> JsonObject:
    assert isinstance(form, _Credits)
    before = found["bonus_credits"]
    return {
        "count": form.credits,
        "before": figures.number(visit.language, before),
        "after": figures.number(visit.language, before + form.credits),
    }


def _give(acting: _Acting, form: _Form, found: ReadConversationCard) -> Sequence[OutgoingItem]:
    assert isinstance(form, _Credits)
    done: AdminAddBonusCredits = db.call(
        "admin_add_bonus_credits",
        p_user_id=acting.user_id,
        p_admin_email=acting.account,
        p_reference=acting.reference,
        p_credits=form.credits,
        p_reason=redact_secrets(form.reason),
    )
    return done["outgoing"]


def _ban(acting: _Acting, form: _Form, found: ReadConversationCard) -> Sequence[OutgoingItem]:
    assert isinstance(form, _Ban)
    db.call(
        "admin_ban_user",
        p_user_id=acting.user_id,
        p_admin_email=acting.account,
        p_reference=acting.reference,
        p_reason=redact_secrets(form.reason),
    )
    return ()


def _no_values(visit: Visit, form: _Form, found: ReadConversationCard) -> JsonObject:
    return {}


def _reset(acting: _Acting, form: _Form, found: ReadConversationCard) -> Sequence[OutgoingItem]:
    done: AdminResetUserUsage = db.call(
        "admin_reset_user_usage",
        p_user_id=acting.user_id,
        p_admin_email=acting.account,
        p_reference=acting.reference,
    )
    return done["outgoing"]


def _unban(acting: _Acting, form: _Form, found: ReadConversationCard) -> Sequence[OutgoingItem]:
    done: AdminUnbanUser = db.call(
        "admin_unban_user",
        p_user_id=acting.user_id,
        p_admin_email=acting.account,
        p_reference=acting.reference,
    )
    return done["outgoing"]


_ACTIONS = {
    "plan": _Action(_Plan, _plan_values, _set_plan),
    "balance": _Action(_Balance, _balance_values, _adjust_balance),
    "give": _Action(_Credits, _credits_values, _give),
    "reset": _Action(_Form, _no_values, _reset),
    "ban": _Action(_Ban, _no_values, _ban, is_dangerous=True),
    "unban": _Action(_Form, _no_values, _unban),
}


def act(visit: Visit, number: int, action: str) -> Response:
    """Ask whether to do something to the user, or do it once that is confirmed.

    Raises:
        Forbidden: the visitor is no admin any more.
        NotFound: there is no such conversation.
    """
    chosen = _ACTIONS[action]
    account = _account(visit)
    found = card.read(visit, number)
    try:
        form = visit.form(chosen.form)
    except forms.FormError:
        return _question(visit, number, action, found, failure=visit.text("web_error_fields"))
    if not form.confirmed:
        return _question(visit, number, action, found, form)
    reference = f"web:{visit.user.user_id}:{form.reference}"
    try:
        _deliver(chosen.run(_Acting(found["user"]["id"], account, reference), form, found))
    except Refusal as refusal:
        if refusal.sqlstate not in _REFUSALS:
            raise
        words = visit.text(_REFUSALS[refusal.sqlstate])
        return _question(visit, number, action, found, failure=words)
    return visit.redirect(
        f"{PATH}/{number}/card", f"messenger_{action}_done_notice", "", **filters.read(visit).as_query()
    )


def _question(
    visit: Visit,
    number: int,
    action: str,
    found: ReadConversationCard,
    form: _Form | None = None,
    *,
    failure: str = "",
) -> Response:
    """Return the page that says what will happen, or why it cannot."""
    name = markdown.clean(found["user"]["name"]).strip() or str(found["user"]["telegram_id"])
    key = f"messenger_{action}"
    if isinstance(form, _Balance):
        key += f"_{form.way}"
    elif isinstance(form, _Plan) and form.plan == found["plans"][0]:
        key += "_back"
    chosen = _ACTIONS[action]
    values = chosen.values(visit, form, found) if form else {}
    back = visit.url(f"{PATH}/{number}/card", **filters.read(visit).as_query())
    return visit.render(
        "messenger/confirm.html",
        422 if failure else 200,
        who=name,
        failure=failure,
        title=visit.text(f"{key}_sure", name=name, **values) if form else visit.text(f"{key}_title"),
        about=visit.text(f"{key}_about", **values) if form else "",
        reason=getattr(form, "reason", ""),
        button=visit.text(f"{key}_button") if form else "",
        is_dangerous=chosen.is_dangerous,
        fields={
            one: value
            for one, value in form.model_dump(mode="json").items()
            if one != "confirmed" and value is not None
        }
        if form
        else {},
        action=visit.url(f"{PATH}/{number}/{action}", **filters.read(visit).as_query()),
        back=back,
    )


def _account(visit: Visit) -> str:
    """Return the account of the admin.

    Raises:
        Forbidden: the user of the page is no admin any more.
    """
    acting: StaffAccount = db.call("staff_account", p_user_id=visit.user.user_id, p_role="admin")
    if acting["account"] is None:
        raise Forbidden
    return acting["account"]


def _deliver(messages: Sequence[OutgoingItem]) -> None:
    if messages:
        from shared.telegram import outbox  # imports telebot, which the other pages do not need

        outbox.deliver_outgoing(messages)


def _page(action: str) -> Page:
    def show(visit: Visit, number: int) -> Response:
        return act(visit, number, action)

    return Page(f"{_USER}/{action}", show, methods=("POST",), max_body=4_000, access=Access.ADMIN)


pages = tuple(_page(action) for action in _ACTIONS)
