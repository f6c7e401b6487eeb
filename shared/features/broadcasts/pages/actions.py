"""What a button of a broadcast does: approve, pause, resume, cancel, return, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel
from werkzeug.exceptions import NotFound

from shared.core import db
from shared.features.broadcasts.pages import common
from shared.web.access import Access
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.core.sql_types import ApproveBroadcast, SaveBroadcast, SwitchBroadcast
    from shared.web.visit import Visit


class _Action(BaseModel):
    action: Literal["approve", "pause", "resume", "cancel", "return", "delete_sent", "delete", "copy"]


def act(visit: Visit, number: int) -> Response:
    """Do what the button says; a state that does not allow it is shown instead."""
    action = visit.form(_Action).action
    if action == "copy":
        return _copy(visit, number)
    row = common.read_broadcast(visit, number)
    if action == "approve":
        approved: ApproveBroadcast = db.call("approve_broadcast", p_actor_id=visit.user.user_id, p_id=number)
        outcome: str = approved["outcome"]
    else:
        done: SwitchBroadcast = db.call(
            "switch_broadcast", p_actor_id=visit.user.user_id, p_id=number, p_action=action
        )
        outcome = done["outcome"]
    if outcome == "none":
        raise NotFound
    is_done = outcome in ("done", "approved")
    where = f"{common.LIST}/{number}"
    if action == "delete" and is_done:
        where = f"{common.SEQUENCES}/{row['sequence_id']}" if row["sequence_id"] else common.LIST
    notice = f"broadcast_{action}_notice" if is_done else "broadcast_state_notice"
    return visit.redirect(where, "broadcast_own_notice" if outcome == "own" else notice)


def _copy(visit: Visit, number: int) -> Response:
    """Begin a draft with the texts and the segment of a broadcast."""
    row = common.read_broadcast(visit, number)
    values = {key: row[key] for key in ("name", "kind", "bot", "segment", "content", "ignores_limit")}
    saved: SaveBroadcast = db.call(
        "save_broadcast", p_actor_id=visit.user.user_id, p_id=None, p_version=None, p_values=values
    )
    return visit.redirect(f"{common.LIST}/{saved['id']}", "broadcast_copy_notice")


pages = (Page(f"{common.ONE}/act", act, methods=("POST",), max_body=common.SMALL_FORM, access=Access.ADMIN),)
