"""/course: gives a user a tier of a course, done at once."""

from __future__ import annotations

import re

from telebot.types import Message

from shared.features.admin import actions
from shared.features.admin.commands import act_on, are_days
from shared.features.admin.users import command_arguments, is_user
from shared.features.common.tiers import TIERS
from shared.telegram import current_context, reply
from shared.telegram.router import Router

router = Router()

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


@router.message_handler(commands=["course"], admin=True)
def enroll(message: Message) -> None:
    """Give a tier of a course: user, course, tier, days."""
    context = current_context()
    match [word if place == 0 else word.lower() for place, word in enumerate(command_arguments(message, 5))]:
        case [who, slug, tier, *days] if (
            is_user(who) and _SLUG.fullmatch(slug) and tier in TIERS and are_days(days)
        ):
            act_on(context, who, actions.enroll, slug, tier, int(days[0]) if days else None)
        case _:
            reply(context.rich("admin_usage_course"))
