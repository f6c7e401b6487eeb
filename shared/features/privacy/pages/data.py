"""What is stored about the user, and the download of all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response
from werkzeug.exceptions import Unauthorized

from shared.core import clock, db
from shared.core.config import settings
from shared.features.privacy import export_file
from shared.web.access import Access
from shared.web.page import Page

if TYPE_CHECKING:
    from shared.core.sql_types import ClaimExport, ExportUserData
    from shared.web.visit import Visit

PATH = "/account/data"


def show(visit: Visit, failure: str = "", status: int = 200) -> Response:
    """List what is stored, and offer the download and the erasure."""
    return visit.render(
        "privacy/data.html",
        status,
        failure=failure,
        sections=[
            (visit.text(f"section_{name}"), visit.text(f"section_{name}_about"))
            for name in (*export_file.SECTIONS, "messages")
        ],
        policy=settings().privacy_url,
    )


def download(visit: Visit) -> Response:
    """Return all data as a file, once an hour."""
    user = visit.user
    claimed: ClaimExport = db.call("claim_export", p_user_id=user.user_id, p_session_id=user.id)
    if claimed["wait"]:
        return show(visit, visit.text("mydata_wait", minutes=-(-claimed["wait"] // 60)), 429)
    first = _part(user.user_id, 0)
    if first is None:  # erased this moment
        raise Unauthorized
    pieces = export_file.pieces(visit, first, lambda after: _part(user.user_id, after))
    name = f"mydata-{clock.now():%Y-%m-%d}.json"
    return Response(
        pieces,
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _part(user_id: int, after: int) -> ExportUserData | None:
    found: ExportUserData | None = db.call("export_user_data", p_user_id=user_id, p_after=after)
    return found


pages = (
    Page(PATH, show, access=Access.USER),
    Page(f"{PATH}/file", download, methods=("POST",), max_body=2_000, access=Access.USER),
)
