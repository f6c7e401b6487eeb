"""Links below messages: count the click and lead on. Anyone may follow one; only its recipient is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.exceptions import NotFound

from shared.core import db
from shared.features.broadcasts import links
from shared.web.page import Page, Policy

if TYPE_CHECKING:
    from flask import Response

    from shared.core.sql_types import RecordBroadcastClick
    from shared.web.visit import Visit


def follow(visit: Visit, token: str) -> Response:
    """Lead to the address of the button.

    Raises:
        NotFound: the token is not ours, or the message is gone.
    """
    click = links.read(token)
    if click is None:
        raise NotFound
    found: RecordBroadcastClick = db.call(
        "record_broadcast_click",
        p_broadcast_id=click.broadcast_id,
        p_user_id=click.user_id,
        p_button=click.button,
    )
    target = found["target"]
    address = target.get("url") if isinstance(target, dict) else None
    if not isinstance(address, str):
        raise NotFound
    return visit.leave(address)


pages = (Page(f"{links.PATH}/<string(length={links.LENGTH}):token>", follow, Policy(referrer="no-referrer")),)
