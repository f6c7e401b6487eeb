"""The link of an invitation to the staff. It works once, for the first user who opens it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.core import db
from shared.core.config import settings
from shared.telegram import outbox
from shared.telegram.router import Router
from shared.web.sessions import digest

if TYPE_CHECKING:
    from shared.core.sql_types import AcceptStaffInvitation
    from shared.core.texts import Text
    from shared.telegram.context import UpdateContext
    from shared.telegram.messages import Keyboard

router = Router()

LINK = "staff_"
_KEY = "[A-Za-z0-9_-]{43}"


@router.link_handler(LINK)
def accept(context: UpdateContext, token: str) -> tuple[Text, Keyboard] | None:
    """Give the user the role of the invitation."""
    if not context.update.is_private or context.is_offline:
        return None
    if not re.fullmatch(_KEY, token):
        return context.rich("staff_invitation_gone"), []
    done: AcceptStaffInvitation = db.call(
        "accept_staff_invitation", p_user_id=context.user.id, p_token_hash=digest(token)
    )
    outbox.deliver_outgoing(done.get("outgoing", []))
    if done["outcome"] == "gone":
        return context.rich("staff_invitation_gone"), []
    role = done["role"]
    if done["outcome"] == "known":
        return context.rich("staff_known", role=context.text(f"staff_role_{role}")), []
    site = settings().console_url
    buttons: Keyboard = (
        [[(context.text("staff_open"), f"{site}/login")]] if site.startswith("https://") else []
    )
    return context.rich(f"staff_given_{role}"), buttons
