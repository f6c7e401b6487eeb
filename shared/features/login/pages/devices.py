"""The page of the devices on which the user is logged in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from shared.core import db
from shared.web import forms
from shared.web.access import Access
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.core.sql_types import ListUserSessions
    from shared.web.visit import Visit

PATH = "/account/devices"


class _Ending(BaseModel):
    """What to end: one session, or all others."""

    session: forms.RowId | None = None


def show(visit: Visit) -> Response:
    """List the devices."""
    found: list[ListUserSessions] = db.call("list_user_sessions", p_user_id=visit.user.user_id)
    return visit.render(
        "login/devices.html",
        devices=[
            {
                "id": one["id"],
                "name": one["device"] or visit.text("login_unknown_device"),
                "way": visit.text(f"login_way_{one['way']}"),
                "seen": visit.date(one["last_seen_at"], with_time=True),
                "since": visit.date(one["created_at"]),
                "is_this": one["id"] == visit.user.id,
            }
            for one in found
        ],
    )


def end(visit: Visit) -> Response:
    """End one session, or all but this one."""
    ending = visit.form(_Ending)
    db.call(
        "end_user_sessions",
        p_user_id=visit.user.user_id,
        p_session_id=ending.session,
        p_except=visit.user.id,
    )
    return visit.redirect(PATH, "login_ended_notice")


pages = (
    Page(PATH, show, access=Access.USER),
    Page(f"{PATH}/end", end, methods=("POST",), max_body=2_000, access=Access.USER),
)
