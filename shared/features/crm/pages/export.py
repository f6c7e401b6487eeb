"""All leads as a sheet (CSV)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core import db
from shared.features.crm import rubric
from shared.features.crm.pages.views import PATH
from shared.web import spreadsheet
from shared.web.access import Access
from shared.web.page import Page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Response

    from shared.core.sql_types import ExportLeads, LeadRow
    from shared.web.visit import Visit

_HEAD = (
    *("id", "bot", "name", "username", "query", "score", "band", "stage"),
    *("source", "next_action", "next_action_at", "last_message_at"),
)


def export(visit: Visit) -> Response:
    """Return all leads as CSV."""
    return spreadsheet.response("leads", _HEAD, (_values(row) for row in _rows(visit.user.user_id)))


def _values(row: LeadRow) -> tuple[object, ...]:
    """Return the cells of a lead, in the order of the head."""
    band = "" if row["score"] is None else rubric.band(row["score"])
    return (
        *(
            row["id"],
            row["bot"],
            row["name"],
            row["username"],
            row["query"],
            row["score"],
            band,
            row["stage"],
        ),
        *(row["source"], row["next_action"], row["next_action_at"], row["last_message_at"]),
    )


def _rows(actor_id: int) -> Iterator[LeadRow]:
    after: int | None = 0
    while after is not None:
        part: ExportLeads = db.call("export_leads", p_actor_id=actor_id, p_after=after, p_limit=500)
        yield from part["rows"]
        after = part["next"]


pages = (Page(f"{PATH}/leads.csv", export, access=Access.ADMIN),)
