"""/badges: the badges that the user has earned in all bots, and those still to earn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db
from shared.core.config import settings
from shared.core.texts import Text, concat
from shared.features.common.menu import back
from shared.features.xp.names import badge_about, badge_name, bot_name
from shared.telegram import current_context, reply
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import GetUserBadges
    from shared.core.texts.reader import Reader

router = Router()

# The badges of the table `badges`, by the bot whose figures count; empty: any bot. An owner may award others,
# which are shown once they are earned.
KNOWN: Mapping[str, tuple[str, ...]] = {
    "": ("first_training", "streak_7", "streak_30", "streak_100", "level_5", "level_10", "level_20"),
    "spin": (
        *("spin_master", "active_listener", "deep_digger", "full_clarity", "diplomat", "patient_ear"),
        *("maestro_3", "ten_trainings"),
    ),
    "quiz": ("first_quiz", "perfect_run", "hundred_right"),
    "courses": ("first_lesson", "first_course"),
}
_MOST = 30  # lines of a list; with the longest names they fit into one message


@router.message_handler(commands=["badges"], private_only=True)
def badges(_message: Message) -> None:
    """Show the badges."""
    context = current_context()
    reply(*_screen(context))


@router.callback_query_handler(data="badges", private_only=True, page="badges")
def show_badges(_call: CallbackQuery) -> None:
    """Show the badges under the profile's button."""
    context = current_context()
    context.show(*_screen(context))


def offered() -> Iterator[tuple[str, str]]:
    """Yield (badge, bot) of the badges that this deployment's bots award."""
    bots = settings().bot_tokens
    return ((badge, bot) for bot, names in KNOWN.items() if not bot or bot in bots for badge in names)


def _screen(context: UpdateContext) -> tuple[Text, Keyboard]:
    earned: list[GetUserBadges] = db.call("get_user_badges", p_telegram_id=context.user.telegram_id)
    names = {badge["badge"] for badge in earned}
    left = [(badge, bot) for badge, bot in offered() if badge not in names]
    parts = [context.rich("badges_none")]
    if earned:
        head = context.rich("badges", earned=len(names), total=len(names) + len(left))
        parts = [head, _list(context, [earned_line(context, badge) for badge in reversed(earned)])]
    if left:
        lines = [left_line(context, badge, bot, context.bot.name) for badge, bot in left]
        parts.append(concat(context.rich("badges_left"), _list(context, lines), separator="\n"))
    return concat(*parts, separator="\n\n"), back(context)


def _list(context: UpdateContext, lines: list[Text]) -> Text:
    if len(lines) > _MOST:
        lines = [*lines[:_MOST], context.rich("badges_more", count=len(lines) - _MOST)]
    return concat(*lines, separator="\n")


def earned_line(context: Reader, badge: GetUserBadges) -> Text:
    """Return the line of a badge; one of no bot names the bot in which its condition was met."""
    bot = badge["bot"] or str(badge["metadata"].get("earned_in") or "")
    values = {"name": badge_name(context, badge["badge"]), "date": context.date(badge["earned_at"])}
    if not bot:
        return context.rich("badges_line", **values)
    return context.rich("badges_line_bot", bot=bot_name(context, bot), **values)


def left_line(context: Reader, badge: str, bot: str, here: str = "") -> Text:
    """Return the line of a badge still to earn; it names the bot where that is not the one `here`."""
    values = {"name": badge_name(context, badge), "about": badge_about(context, badge)}
    if not bot or bot == here:
        return context.rich("badges_left_line", **values)
    return context.rich("badges_left_line_bot", bot=bot_name(context, bot), **values)
