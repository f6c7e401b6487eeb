"""The list of broadcasts, and a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from shared.core import db
from shared.core.texts import figures
from shared.features.broadcasts.pages import common
from shared.web.access import Access
from shared.web.forms import FormError, FormView
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import BroadcastCard, ListBroadcasts, SaveBroadcast
    from shared.web.visit import Visit

_PAGE = 30


class _New(BaseModel):
    name: str = Field(min_length=1, max_length=100, pattern=r"\S")


def show(visit: Visit) -> Response:
    """List broadcasts, the newest first."""
    return _page(visit, FormView())


def _page(visit: Visit, form: FormView, status: int = 200) -> Response:
    found: ListBroadcasts = db.call(
        "list_broadcasts",
        p_actor_id=visit.user.user_id,
        p_before=visit.number("before"),
        p_limit=_PAGE,
    )
    rows = found["broadcasts"]
    return visit.render(
        "broadcasts/list.html",
        status,
        form=form,
        waiting=found["waiting"],
        rows=[_row(visit, one) for one in rows],
        more=rows[-1]["id"] if len(rows) == _PAGE else None,
    )


def _row(visit: Visit, one: BroadcastCard) -> JsonObject:
    progress = ""
    if one["total"]:
        progress = visit.text(
            "broadcast_row_sent",
            sent=figures.number(visit.language, one["sent"]),
            total=figures.number(visit.language, one["total"]),
        )
    return {
        "id": one["id"],
        "name": one["name"],
        "status": one["status"],
        "status_text": common.status_text(visit, dict(one)),
        "kind": visit.text(f"broadcast_kind_{one['kind']}"),
        "date": visit.date(one["started_at"] or one["updated_at"], with_time=True),
        "figures": progress,
        "clicked": visit.text("broadcast_row_clicked", count=one["clicked"]) if one["clicked"] else "",
    }


def create(visit: Visit) -> Response:
    """Begin a draft."""
    try:
        sent = visit.form(_New)
    except FormError as error:
        return _page(visit, common.faulty(visit, error), 422)
    values: JsonObject = {
        "name": sent.name.strip(),
        "kind": "marketing",
        "bot": None,
        "segment": {},
        "content": {},
    }
    saved: SaveBroadcast = db.call(
        "save_broadcast", p_actor_id=visit.user.user_id, p_id=None, p_version=None, p_values=values
    )
    return visit.redirect(f"{common.LIST}/{saved['id']}")


pages = (
    Page(common.LIST, show, access=Access.ADMIN, menu="broadcast_menu"),
    Page(f"{common.LIST}/new", create, methods=("POST",), max_body=common.SMALL_FORM, access=Access.ADMIN),
)
