"""Links of advertisements: t.me/<bot>?start=ad_<key>."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.core import db
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import OpenAdLink
    from shared.telegram.context import UpdateContext

router = Router()

LINK = "ad_"
_KEY = re.compile("[A-Za-z0-9_-]{2,24}")


@router.link_handler(LINK)
def open_link(context: UpdateContext, key: str) -> None:
    """Record which advertisement the user came from."""
    if context.is_offline or not context.update.is_private or not _KEY.fullmatch(key):
        return
    _done: OpenAdLink = db.call("open_ad_link", p_user_id=context.user.id, p_bot=context.bot.name, p_key=key)
