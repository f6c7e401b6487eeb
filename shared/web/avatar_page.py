"""Shows a profile photo to its user and to admins (public.get_avatar)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from flask import Response
from werkzeug.exceptions import NotFound

from shared.core import db
from shared.web.access import Access
from shared.web.page import PRIVATE, Page, Policy

if TYPE_CHECKING:
    from uuid import UUID

    from shared.core.sql_types import GetAvatar
    from shared.web.visit import Visit


def show(visit: Visit, key: UUID) -> Response:
    """Return the photo. Another photo has another key, so browsers may keep it for a day."""
    found: GetAvatar | None = db.call("get_avatar", p_key=str(key), p_viewer_id=visit.user.user_id)
    if found is None:
        raise NotFound
    return Response(base64.b64decode(found["image"]), content_type=found["mime_type"])


page = Page("/avatar/<uuid:key>", show, Policy(cache=PRIVATE), access=Access.USER)
