"""The trial on the page of the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core import db
from shared.web.access import Access
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.core.sql_types import StartTrial
    from shared.web.visit import Visit


def start(visit: Visit) -> Response:
    """Start the trial; started again, it stays as it is."""
    started: StartTrial = db.call("start_trial", p_user_id=visit.user.user_id)
    is_on = started["outcome"] == "started" or (started["outcome"] == "already_used" and started["ends_at"])
    return visit.redirect("/account/plan", "trial_started_notice" if is_on else "trial_refused_notice")


pages = (Page("/account/trial/start", start, methods=("POST",), max_body=2_000, access=Access.USER),)
