"""/streak: days in a row, freezes, pause and time zone, over all bots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import clock, db
from shared.core.texts import Text, concat
from shared.features.common.menu import back
from shared.features.xp import zone_names
from shared.telegram import current_context, reply
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import GetStreak, PauseStreak, StreakState
    from shared.core.texts.reader import Reader

router = Router()

FREEZES = 2  # that a user can have, see record_activity


@router.message_handler(commands=["streak"], private_only=True)
def streak(_message: Message) -> None:
    """Show the streak."""
    context = current_context()
    reply(*_screen(context, state(context)))


@router.callback_query_handler(data="streak", private_only=True, page="streak")
def show_streak(_call: CallbackQuery) -> None:
    """Show the streak under the profile's button."""
    context = current_context()
    context.show(*_screen(context, state(context)))


@router.callback_query_handler(data="streak:(pause|resume)", private_only=True, page="streak")
def pause(call: CallbackQuery) -> None:
    """Pause the streak, or let it go on."""
    context = current_context()
    is_paused = call.data == "streak:pause"
    changed = set_paused(context.user.id, is_paused=is_paused)
    context.answer_callback(context.text("streak_is_paused" if is_paused else "streak_is_resumed"))
    context.show(*_screen(context, changed))


def set_paused(user_id: int, *, is_paused: bool) -> PauseStreak:
    """Pause a user's streak, or let it go on."""
    changed: PauseStreak = db.call("pause_streak", p_user_id=user_id, p_paused=is_paused)
    return changed


def state(context: UpdateContext) -> GetStreak:
    """Return the user's streak."""
    found: GetStreak = db.call("get_streak", p_user_id=context.user.id)
    return found


def _screen(context: UpdateContext, now: StreakState) -> tuple[Text, Keyboard]:
    parts = [head(context, now), details(context, now), rules(context, now)]
    row = [(context.text("streak_button_zone"), "zone")]
    if now["is_paused"]:
        row.insert(0, (context.text("streak_button_resume"), "streak:resume"))
    elif now["current"]:
        row.insert(0, (context.text("streak_button_pause"), "streak:pause"))
    return concat(*parts, separator="\n\n"), [row, *back(context)]


def rules(reader: Reader, now: StreakState) -> Text:
    """Return what keeps a streak."""
    return reader.rich("streak_paused_rules" if now["is_paused"] else "streak_rules", limit=FREEZES)


def head(reader: Reader, now: StreakState) -> Text:
    """Return how long the streak is."""
    if now["is_paused"]:
        return reader.rich("streak_paused", days=now["current"])
    if not now["current"]:
        return reader.rich("streak_over" if now["longest"] else "streak_none")
    today = reader.rich("streak_today" if now["is_today"] else "streak_not_today")
    return concat(reader.rich("streak", days=now["current"]), today, separator="\n")


def details(reader: Reader, now: StreakState) -> Text:
    """Return the longest streak, freezes, and the time zone of its days."""

    def zone(name: str) -> str:
        return zone_names.label(reader.language, name, clock.now())

    lines = []
    if now["longest"]:
        lines.append(reader.rich("streak_longest", days=now["longest"]))
        lines.append(reader.rich("streak_freezes", count=now["freezes"], limit=FREEZES))
    if now["missed"]:
        lines.append(reader.rich("streak_missed", count=now["missed"]))
    lines.append(reader.rich("streak_zone", zone=zone(now["time_zone"])))
    if now["next_time_zone"]:
        lines.append(reader.rich("streak_zone_next", zone=zone(now["next_time_zone"])))
    return concat(*lines, separator="\n")
