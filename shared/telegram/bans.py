"""Whom no bot serves: a banned person is told once, in private, and then gets no answer, whatever they send.

What they send is received and finished like everything else, so Telegram does not bring it again and a tapped
button stops waiting. Handlers see nothing of it but what must not be lost: payments, that the person blocked
the bot, what everybody may ask of their own data, and what stops a payment that repeats itself. Nothing is
known of bans while the database is away.
"""

from __future__ import annotations

import re

from shared.telegram.incoming import Incoming
from shared.telegram.unit import Unit

_TOLD_AT = ("message", "callback_query")
_COMMANDS = re.compile(
    r"/(start\s+open_)?(privacy|mydata|deleteme|subscription|paysupport)(@\w+)?(\s|$)", re.IGNORECASE
)
_BUTTONS = re.compile(r"(mydata|deleteme|renewal|renewal!):|subscription$")


def keeps_out(unit: Unit) -> bool:
    """Whether the update is not to reach its handler."""
    incoming = unit.incoming
    return (
        unit.person.ban is not None
        and not incoming.is_about_money
        and incoming.kind != "my_chat_member"
        and not is_about_own_data(incoming)
    )


def is_about_own_data(incoming: Incoming) -> bool:
    """Whether a person asks in private for their data, erasure, or an end of charges: always their right."""
    if not incoming.is_private or incoming.is_passed_on:
        return False
    if incoming.kind == "callback_query":
        return _BUTTONS.match(incoming.content.get("data") or "") is not None
    return incoming.kind == "message" and _COMMANDS.match(incoming.text) is not None


def turn_away(unit: Unit) -> None:
    """Give the one notice, if it was not given yet; a group is not the place for it."""
    ban = unit.person.ban
    if ban is None or ban.told or unit.incoming.is_group or unit.incoming.kind not in _TOLD_AT:
        return
    unit.set_ban_told()
    if ban.reason:
        unit.reply(unit.rich("banned_reason", reason=ban.reason))
    else:
        unit.reply(unit.rich("banned"))
