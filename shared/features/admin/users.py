"""The user that an admin's command names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

from telebot.types import CallbackQuery, Message

from shared.core import db, user_input
from shared.core.display_names import display_name
from shared.core.texts import Text
from shared.telegram import current_context
from shared.telegram.context import StateUnavailable, UpdateContext
from shared.telegram.messages import Keyboard

if TYPE_CHECKING:
    from shared.core.sql_types import (
        AdminAuditEntriesUser,
        AdminFindUser,
        AdminPaymentUser,
        AdminSearchUsersUsers,
    )

_LINK = re.compile(r"(?:https?://)?(?:t|telegram)\.me/(?=\w)", re.ASCII | re.IGNORECASE)
_WHO = re.compile(r"[0-9]{1,18}|@?[A-Za-z]\w{3,31}", re.ASCII)


def command_arguments(message: Message, most: int) -> list[str]:
    """Return up to `most` arguments of a command; the last one takes the rest.

    The first names a user, a code or a number: it is read without what was pasted along.
    """
    first, *rest = user_input.command_argument(message.text or "").split(maxsplit=most - 1) or [""]
    name = _LINK.sub("", user_input.single_value(first))
    rest = [one if len(one.split()) > 1 else user_input.normalize(one) for one in rest]
    return [name, *rest] if name or rest else []


def button_arguments(call: CallbackQuery) -> list[str]:
    """Return the arguments in a button's data, behind `admin:<action>:`."""
    return (call.data or "").split(":")[2:]


def is_user(word: str) -> bool:
    """Return whether a word can name a user: a Telegram ID or a @name."""
    return _WHO.fullmatch(word) is not None


def find_user(context: UpdateContext, who: str) -> AdminFindUser | None:
    """Return the user with this Telegram ID or @name.

    Raises:
        StateUnavailable: there is no database to look in.
    """
    if context.is_offline:
        raise StateUnavailable
    found: AdminFindUser | None = db.call(
        "admin_find_user", p_identifier=who, p_admin_email=context.user.admin_email
    )
    return found


def user_name(
    user: AdminFindUser | AdminSearchUsersUsers | AdminPaymentUser | AdminAuditEntriesUser,
) -> str:
    """Return a user's name: `Anna (@anna)`, or the ID of a user without a name."""
    last_name = cast("Mapping[str, str | None]", user).get("last_name")  # the audit log has none
    name = display_name(user["first_name"], last_name) or str(user["telegram_id"])
    return f"{name} (@{user['username']})" if user["username"] else name


def show_page(
    call: CallbackQuery,
    page: Callable[[UpdateContext, AdminFindUser | None, int | None], tuple[Text, Keyboard]],
) -> None:
    """Show a page of a list: of all users, or of the one that the button names, before a number.

    The button's arguments are a Telegram id, 0 for all users, and the number, 0 for the newest.
    """
    context = current_context()
    who, before = button_arguments(call)
    user = find_user(context, who) if who != "0" else None
    if who != "0" and user is None:
        context.answer_callback(context.text("button_old"), alert=True)
    else:
        context.show(*page(context, user, int(before) or None))
