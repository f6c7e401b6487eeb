"""The page of access: maintenance, and whether the bots serve new users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel
from werkzeug.exceptions import Forbidden

from shared.core import db
from shared.web.access import Access
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.core.sql_types import AdminSetAccess, StaffAccount
    from shared.web.visit import Visit

PATH = "/staff/access"
_MODES = ("open", "invite", "closed")


class _Change(BaseModel):
    mode: Literal["open", "invite", "closed"]
    maintenance: bool = False


def show(visit: Visit) -> Response:
    """Show which users the bots serve."""
    found = _set(visit)
    return visit.render(
        "staff/access.html",
        modes=[(one, visit.text(f"staff_access_{one}"), one == found["mode"]) for one in _MODES],
        maintenance=found["maintenance"],
    )


def change(visit: Visit) -> Response:
    """Change which users the bots serve."""
    sent = visit.form(_Change)
    _set(visit, sent)
    return visit.redirect(PATH, "staff_access_saved_notice")


def _set(visit: Visit, sent: _Change | None = None) -> AdminSetAccess:
    """Change what was sent and return what applies.

    Raises:
        Forbidden: the user is no admin any more.
    """
    acting: StaffAccount = db.call("staff_account", p_user_id=visit.user.user_id, p_role="admin")
    if acting["account"] is None:
        raise Forbidden
    found: AdminSetAccess = db.call(
        "admin_set_access",
        p_admin_email=acting["account"],
        p_mode=sent.mode if sent else None,
        p_maintenance=sent.maintenance if sent else None,
    )
    return found


pages = (
    Page(PATH, show, access=Access.ADMIN),
    Page(f"{PATH}/save", change, methods=("POST",), max_body=4_000, access=Access.ADMIN),
)
