"""The page of roles: who works here, invitations, giving and taking a role."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, Field
from werkzeug.exceptions import Forbidden, ServiceUnavailable

from shared.core import db
from shared.core.errors import TelegramError
from shared.features.common import console_bot
from shared.web.access import Access
from shared.web.forms import FormError
from shared.web.page import Page, Policy
from shared.web.sessions import digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Response

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import (
        AdminFindUser,
        CancelStaffInvitation,
        InviteStaff,
        ListStaff,
        ListStaffInvitations,
        ListStaffMembers,
        RemoveStaff,
        SetStaffRole,
        StaffAccount,
    )
    from shared.web.visit import Visit

PATH = "/staff"
_EMAIL = r"^\s*([^@\s,]+@[^@\s,]+\.[^@\s,]+)?\s*$"
# Roles that an admin may give; owners may give all.
_BELOW_ADMIN = ("operator", "author")
_DONE = ("given", "known", "invited")

Role = Literal["admin", "operator", "author"]


class _Role(BaseModel):
    role: Role
    email: str = Field(default="", max_length=254, pattern=_EMAIL)


class _NewMember(_Role):
    user: str = Field(min_length=1, max_length=64, pattern=r"^\s*(@?[A-Za-z0-9_]{4,32}|[0-9]{1,18})\s*$")


class _Change(_Role):
    user_id: int = Field(ge=1, lt=2**63)


class _Removal(BaseModel):
    user_id: int = Field(ge=1, lt=2**63)


class _Invitation(_Role):
    token: str = Field(pattern=r"^[A-Za-z0-9_-]{43}$")


class _Cancellation(BaseModel):
    invitation: int = Field(ge=1, lt=2**63)


def show(visit: Visit) -> Response:
    """List owners, staff and open invitations."""
    return _page(visit)


def _page(visit: Visit, link: str = "", failure: str = "", form: str = "") -> Response:
    """Return the page.

    Args:
        link: of an invitation that was just made, which no later page shows.
        failure: key of the reason why nothing was changed.
        form: which form was sent in vain, "add" or "invite": it keeps what was typed.
    """
    found: ListStaff = db.call("list_staff", p_actor_id=visit.user.user_id)
    roles = ("admin", *_BELOW_ADMIN) if found["is_owner"] else _BELOW_ADMIN
    return visit.render(
        "staff/members.html",
        422 if failure else 200,
        link=link,
        failure=visit.text(failure) if failure else "",
        sent={form: visit.typed({}).values} if form else {},
        members=[_member(visit, one, roles) for one in found["members"]],
        invitations=[_invitation(visit, one, roles) for one in found["invitations"]],
        roles=[(role, visit.text(f"staff_role_{role}")) for role in roles],
        is_owner=found["is_owner"],
        token=secrets.token_urlsafe(32),
    )


def _member(visit: Visit, row: ListStaffMembers, roles: Sequence[str]) -> JsonObject:
    return {
        "user_id": row["user_id"],
        "name": row["name"],
        "username": f"@{row['username']}" if row["username"] else "",
        "telegram_id": row["telegram_id"] or "",
        "email": row["email"] or "",
        "account": row["account"],
        "role": row["role"],
        "role_name": visit.text(f"staff_role_{row['role']}"),
        "since": visit.date(row["since"]),
        "seen": visit.date(row["last_seen_at"], with_time=True) if row["last_seen_at"] else "",
        "added_by": row["added_by"] or "",
        "is_banned": row["is_banned"],
        "may_change": row["role"] in roles and row["user_id"] != visit.user.user_id,
    }


def _invitation(visit: Visit, row: ListStaffInvitations, roles: Sequence[str]) -> JsonObject:
    return {
        "id": row["id"],
        "role_name": visit.text(f"staff_role_{row['role']}"),
        "email": row["email"] or "",
        "by": row["created_by"] or "",
        "until": visit.date(row["expires_at"], with_time=True),
        "may_change": row["role"] in roles,
    }


def add(visit: Visit) -> Response:
    """Give a role to a user who has started a bot.

    Raises:
        Forbidden: the user is no admin any more.
    """
    try:
        sent = visit.form(_NewMember)
    except FormError as error:
        return _page(visit, failure=_wrong(error), form="add")
    acting: StaffAccount = db.call("staff_account", p_user_id=visit.user.user_id, p_role="admin")
    if acting["account"] is None:
        raise Forbidden
    name = sent.user.strip()
    identifier = name if name.isdecimal() or name.startswith("@") else f"@{name}"
    user: AdminFindUser | None = db.call(
        "admin_find_user", p_identifier=identifier, p_admin_email=acting["account"]
    )
    if user is None:
        return _page(visit, failure="staff_unknown_user", form="add")
    return _give(visit, user["id"], sent, "add")


def change(visit: Visit) -> Response:
    """Change the role or the e-mail address of a member."""
    try:
        sent = visit.form(_Change)
    except FormError as error:
        return _page(visit, failure=_wrong(error))
    return _give(visit, sent.user_id, sent)


def _wrong(error: FormError) -> str:
    """Return the key of the reason why a form was not accepted."""
    if "user" in error.fields:
        return "staff_unknown_user"
    return "staff_refused_email_wrong" if "email" in error.fields else "web_error_fields"


def _give(visit: Visit, user_id: int, sent: _Role, form: str = "") -> Response:
    done: SetStaffRole = db.call(
        "set_staff_role",
        p_actor_id=visit.user.user_id,
        p_user_id=user_id,
        p_role=sent.role,
        p_email=sent.email,
    )
    if done["outcome"] not in _DONE:
        return _page(visit, failure=f"staff_refused_{done['outcome']}", form=form)
    if messages := done.get("outgoing"):
        from shared.telegram import outbox  # imports telebot, which the other pages do not need

        outbox.deliver_outgoing(messages)
    return visit.redirect(PATH, "staff_saved_notice")


def remove(visit: Visit) -> Response:
    """Take a role."""
    sent = visit.form(_Removal)
    _done: RemoveStaff = db.call("remove_staff", p_actor_id=visit.user.user_id, p_user_id=sent.user_id)
    return visit.redirect(PATH, "staff_removed_notice")


def invite(visit: Visit) -> Response:
    """Make the link of an invitation. The same form again shows the same link.

    Raises:
        ServiceUnavailable: the bot's name cannot be read.
    """
    try:
        sent = visit.form(_Invitation)
    except FormError as error:
        return _page(visit, failure=_wrong(error), form="invite")
    try:
        link = console_bot.link(f"staff_{sent.token}")
    except TelegramError:
        raise ServiceUnavailable from None
    done: InviteStaff = db.call(
        "invite_staff",
        p_actor_id=visit.user.user_id,
        p_role=sent.role,
        p_token_hash=digest(sent.token),
        p_email=sent.email,
    )
    if done["outcome"] not in _DONE:
        return _page(visit, failure=f"staff_refused_{done['outcome']}", form="invite")
    return _page(visit, link)


def cancel(visit: Visit) -> Response:
    """Cancel an invitation."""
    sent = visit.form(_Cancellation)
    _done: CancelStaffInvitation = db.call(
        "cancel_staff_invitation", p_actor_id=visit.user.user_id, p_invitation_id=sent.invitation
    )
    return visit.redirect(PATH, "staff_canceled_notice")


_FORM = 4_000  # bytes
_SCRIPTED = Policy(has_scripts=True)

pages = (
    Page(PATH, show, _SCRIPTED, access=Access.ADMIN, menu="staff_menu"),
    Page(f"{PATH}/add", add, methods=("POST",), max_body=_FORM, access=Access.ADMIN),
    Page(f"{PATH}/change", change, methods=("POST",), max_body=_FORM, access=Access.ADMIN),
    Page(f"{PATH}/remove", remove, methods=("POST",), max_body=_FORM, access=Access.ADMIN),
    Page(f"{PATH}/invite", invite, _SCRIPTED, methods=("POST",), max_body=_FORM, access=Access.ADMIN),
    Page(f"{PATH}/cancel", cancel, methods=("POST",), max_body=_FORM, access=Access.ADMIN),
)
