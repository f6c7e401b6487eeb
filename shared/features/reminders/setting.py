"""Sets a reminder at a moment of the user's clock, and says when it comes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from shared.core import db
from shared.core.texts import Text, figures
from shared.features import xp
from shared.features.reminders import LONGEST

if TYPE_CHECKING:
    from shared.core.sql_types import CreateReminder, DeleteReminder, ListReminders
    from shared.core.texts.reader import Reader
    from shared.features.reminders.when import Moment
    from shared.telegram.context import UpdateContext
    from shared.telegram.messages import Keyboard

_REFUSALS = {"past": "remind_past", "too_far": "remind_too_far", "limit": "remind_limit"}


def read(context: UpdateContext) -> ListReminders:
    """Return the user's reminders, with the present and the time zone of their clock."""
    return of_user(context.user.id, context.bot.name)


def of_user(user_id: int, bot: str) -> ListReminders:
    """Return the reminders of a user in a bot."""
    state: ListReminders = db.call("list_reminders", p_user_id=user_id, p_bot=bot)
    return state


def store(user_id: int, bot: str, words: str, moment: Moment, reference: str) -> CreateReminder:
    """Set a reminder of a user, once for a reference."""
    done: CreateReminder = db.call(
        "create_reminder",
        p_user_id=user_id,
        p_bot=bot,
        p_words=words,
        p_reference=reference,
        p_day=moment.day and moment.day.isoformat(),
        p_time=moment.time_of_day and moment.time_of_day.isoformat(),
        p_seconds=moment.seconds,
    )
    return done


def delete(user_id: int, number: int) -> bool:
    """Delete a reminder of a user; return whether there was one."""
    done: DeleteReminder = db.call("delete_reminder", p_user_id=user_id, p_id=number)
    return done["is_deleted"]


def local_now(state: ListReminders) -> datetime:
    """Return the present of the user's clock. It is that of the database, which decides what is past."""
    now = datetime.fromisoformat(state["clock"])
    return now.astimezone(ZoneInfo(state["time_zone"])).replace(tzinfo=None)


def create(
    context: UpdateContext, words: str, moment: Moment, reference: str | None = None
) -> tuple[Text, Keyboard]:
    """Set a reminder and return what to say.

    Args:
        reference: the idempotency key; None: that of the update.
    """
    done = store(context.user.id, context.bot.name, words, moment, reference or context.reference)
    if done["outcome"] != "set" or done["due_at"] is None:
        text = context.rich(_REFUSALS[done["outcome"]], limit=done["limit"] or 0)
        return text, [[(context.text("remind_button_list"), "remind")]]
    at = shown(context, done["due_at"], done["time_zone"])
    zone = xp.time_zone_name(context, done["time_zone"])
    text = context.rich("remind_set", moment=at, zone=zone, words=cut(words))
    return text, [
        [(context.text("remind_button_list"), "remind"), (context.text("remind_button_zone"), "zone")]
    ]


def shown(context: Reader, moment: str, zone: str) -> str:
    """Return a moment as the user's clock shows it."""
    local = datetime.fromisoformat(moment).astimezone(ZoneInfo(zone))
    return context.text("remind_moment", day=figures.day(context.language, local), time=f"{local:%H:%M}")


def cut(words: str, longest: int = LONGEST) -> str:
    """Return words, with dots where they are too long."""
    return words if len(words) <= longest else words[: longest - 1].rstrip() + "…"
