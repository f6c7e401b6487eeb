"""The page of the audit log: who read and changed what, filtered, the newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.exceptions import Forbidden

from shared.core import db
from shared.features import admin
from shared.web.access import Access
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import AdminFindUser, StaffAccount, StaffAudit, StaffAuditEntries
    from shared.web.visit import Visit

PATH = "/staff/audit"
_SIZE = 50
_LONGEST = 254


def show(visit: Visit) -> Response:
    """Show a page of entries.

    Raises:
        Forbidden: the user is no admin any more.
    """
    asked = visit.request.args
    account = asked.get("account", "").strip()[:_LONGEST]
    kind = asked.get("kind", "")
    who = asked.get("user", "").strip()[:64]
    before = visit.number("before")
    user = _find(visit, who) if who else None
    entries: list[JsonObject] = []
    older = ""
    if user is not None or not who:
        found: StaffAudit = db.call(
            "staff_audit",
            p_actor_id=visit.user.user_id,
            p_account=account.lower() or None,
            p_kind=kind if kind in ("read", "change") else None,
            p_user_id=user["id"] if user else None,
            p_before=before,
            p_limit=_SIZE,
        )
        entries = [_entry(visit, one, found["currency"]) for one in found["entries"]]
        if found["next"] is not None:
            older = visit.url(PATH, account=account, kind=kind, user=who, before=found["next"])
    return visit.render(
        "staff/audit.html",
        entries=entries,
        older=older,
        newest=visit.url(PATH, account=account, kind=kind, user=who) if before else "",
        account=account,
        kind=kind,
        user=who,
        kinds=[(one, visit.text(f"staff_audit_{one or 'all'}")) for one in ("", "change", "read")],
    )


def _find(visit: Visit, who: str) -> AdminFindUser | None:
    """Return the user that the filter names.

    Raises:
        Forbidden: the user of the page is no admin any more.
    """
    acting: StaffAccount = db.call("staff_account", p_user_id=visit.user.user_id, p_role="admin")
    if acting["account"] is None:
        raise Forbidden
    identifier = who if who.isdecimal() or who.startswith("@") else f"@{who}"
    user: AdminFindUser | None = db.call(
        "admin_find_user", p_identifier=identifier, p_admin_email=acting["account"]
    )
    return user


def _entry(visit: Visit, row: StaffAuditEntries, currency: str) -> JsonObject:
    user = row["user"]
    what = admin.describe_action(visit, currency, row["action"], row["before"], row["after"])
    return {
        "when": visit.date(row["created_at"], with_time=True),
        "account": row["account"],
        "actor": row["actor"] or row["account"],
        "what": what,
        "reason": str(row["after"].get("reason") or ""),
        "is_reading": row["is_reading"],
        "user": (user["first_name"] or str(user["telegram_id"])) if user else "",
        "user_id": user["telegram_id"] if user else "",
    }


pages = (Page(PATH, show, access=Access.ADMIN),)
