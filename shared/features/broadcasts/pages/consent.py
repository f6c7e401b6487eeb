"""The switch for marketing messages in the settings of the account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from shared.core import db
from shared.web.access import Access
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.web.visit import Visit

SETTINGS = "/account/settings"


class _Consent(BaseModel):
    takes_marketing: bool = False


def switch(visit: Visit) -> Response:
    """Switch marketing messages on or off."""
    takes = visit.form(_Consent).takes_marketing
    db.call("set_marketing", p_user_id=visit.user.user_id, p_wants=takes)
    return visit.redirect(SETTINGS, "account_saved_notice")


pages = (Page(f"{SETTINGS}/marketing", switch, methods=("POST",), max_body=4_000, access=Access.USER),)
