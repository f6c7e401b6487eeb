"""/xp and /badge: corrections of a user's progress, done at once."""

from __future__ import annotations

import re

from telebot.types import Message

from shared.features import xp
from shared.features.admin import actions
from shared.features.admin.commands import act_on
from shared.features.admin.users import command_arguments, is_user
from shared.telegram import current_context, reply
from shared.telegram.router import Router

router = Router()

_NUMBER = re.compile(r"[+-]?[0-9]{1,7}")
_BADGE = re.compile(r"(-?)(?:([a-z][a-z0-9_]{0,31})?(:))?([a-z][a-z0-9_]{0,63})")


@router.message_handler(commands=["xp"], admin=True)
def adjust_xp(message: Message) -> None:
    """Give XP: user, points, reason."""
    context = current_context()
    match command_arguments(message, 3):
        case [who, number, *reason] if is_user(who) and _NUMBER.fullmatch(number) and int(number):
            act_on(context, who, actions.adjust_xp, int(number), " ".join(reason))
        case _:
            reply(context.rich("admin_usage_xp"))


@router.message_handler(commands=["badge"], admin=True)
def badge(message: Message) -> None:
    """Give a badge, or take it with a minus before its name: user, badge, reason."""
    context = current_context()
    match command_arguments(message, 3):
        case [who, written, *reason] if is_user(who) and (match := _BADGE.fullmatch(written.lower())):
            minus, bot, colon, name = match.groups()
            known = xp.known_badges()
            if not colon and name not in known:
                reply(context.rich("admin_no_badge", badge=name, badges=", ".join(known)))
            else:
                action = actions.revoke_badge if minus else actions.award_badge
                place = (bot or "") if colon else known[name]
                act_on(context, who, action, name, place, " ".join(reason))
        case _:
            reply(context.rich("admin_usage_badge"))
