"""The level on /profile, and the user's progress in all bots as a picture."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from telebot.types import CallbackQuery

from shared.core import db
from shared.core.texts import Text, figures
from shared.features.common.drawing import send_drawing
from shared.features.common.menu import back
from shared.features.xp import level
from shared.features.xp.badges import offered
from shared.features.xp.names import badge_name, bot_name, level_name, points, session_name, written
from shared.telegram import current_context
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import (
        GetProfile,
        GetProfileBadges,
        GetProfileBots,
        GetTrainingHistory,
        GetTrainingHistoryTrainings,
        StreakState,
    )
    from shared.features.xp.profile_picture import Bars, ProfilePicture, Streak

router = Router()

_ROWS = 3  # of a list in the picture


@router.callback_query_handler(data="xp:picture", private_only=True, page="profile")
def send_picture(_call: CallbackQuery) -> None:
    """Send the progress as a picture."""
    context = current_context()
    found = _find(context)
    history: GetTrainingHistory = db.call(
        "get_training_history", p_telegram_id=context.user.telegram_id, p_limit=_ROWS
    )
    picture = _picture(context, found, history["trainings"])
    from shared.features.xp.profile_picture import draw  # Pillow takes 60 ms to import

    send_drawing(context, lambda: draw(picture), _caption(context, found), back(context))


def text(context: UpdateContext) -> Text:
    """Return the level and the XP, which come with the update."""
    user = context.user
    return context.rich("xp_profile", level=user.level, xp=points(context, user.total_xp))


def buttons(context: UpdateContext) -> Keyboard:
    """Return the picture's button, and those of this feature's pages."""
    return [
        [(context.text("xp_button_picture"), "xp:picture"), (context.text("xp_button_top"), "top")],
        [(context.text("xp_button_badges"), "badges"), (context.text("xp_button_streak"), "streak")],
    ]


def _find(context: UpdateContext) -> GetProfile:
    profile: GetProfile | None = db.call("get_profile", p_user_id=context.user.id)
    assert profile is not None, "this update made the user"
    return profile


def _total(earned: list[GetProfileBadges]) -> tuple[int, int]:
    """Return how many different badges the user has, and how many there are."""
    names = {badge["badge"] for badge in earned}
    return len(names), len(names | {badge for badge, _ in offered()})


def _caption(context: UpdateContext, found: GetProfile) -> Text:
    earned, total = _total(found["badges"])
    return context.rich(
        "xp_caption",
        name=context.user.name,
        level=found["level"],
        xp=points(context, found["total_xp"]),
        days=found["streak"]["current"],
        earned=earned,
        total=total,
    )


def _picture(
    context: UpdateContext, found: GetProfile, sessions: list[GetTrainingHistoryTrainings]
) -> ProfilePicture:
    from shared.core.pictures.canvas import drawable
    from shared.features.xp.names import unnamed
    from shared.features.xp.profile_picture import ProfilePicture

    now = level.of(context, found)
    earned, total = _total(found["badges"])
    names = dict.fromkeys(badge_name(context, badge["badge"]) for badge in reversed(found["badges"]))
    name = drawable(context.user.name)
    return ProfilePicture(
        name=name if any(letter.isalnum() for letter in name) else unnamed(context.language, found["number"]),
        rank=level_name(context, found["level_name"]),
        level=str(now.level),
        level_word=context.text("picture_xp_level"),
        share=now.share,
        xp=now.xp,
        next_level=now.next_level,
        streak=_streak(context, found["streak"]),
        badges_title=context.text("picture_badges"),
        badges_about=context.text("picture_badges_of", earned=earned, total=total),
        badges=list(names),
        no_badges=context.text("picture_badges_none"),
        bars=[*_bots(context, found["bots"][:_ROWS]), *_sessions(context, sessions)],
    )


def _bots(context: UpdateContext, bots: list[GetProfileBots]) -> list[Bars]:
    """Return the XP of each bot, where there are several."""
    from shared.features.xp.profile_picture import Bar, Bars

    if len(bots) < 2:
        return []
    rows = [
        Bar(bot_name(context, bot["bot"]), points(context, bot["xp"]), bot["xp"] / bots[0]["xp"])
        for bot in bots
    ]
    return [Bars(context.text("picture_bots"), rows)]


def _sessions(context: UpdateContext, sessions: list[GetTrainingHistoryTrainings]) -> list[Bars]:
    """Return the last trainings with their score; the bar is the clarity, up to 100."""
    from shared.features.xp.profile_picture import Bar, Bars

    rows = []
    for one in sessions:
        day = datetime.fromisoformat(one["training_date"]).astimezone(ZoneInfo(context.usage.timezone))
        date = figures.day(context.language, day, short=True)
        rows.append(
            Bar(
                session_name(context, one["scenario"]),
                written(context, one["score"]),
                one["clarity_level"] / 100,
                date,
            )
        )
    return [Bars(context.text("picture_sessions"), rows)] if rows else []


def _streak(context: UpdateContext, now: StreakState) -> Streak:
    from shared.features.xp.profile_picture import Streak

    longest = "picture_streak_longest" if now["longest"] else "picture_streak_none"
    freezes = context.text("picture_streak_freezes", count=now["freezes"]) if now["freezes"] else ""
    figure, _, word = context.text("picture_streak_days", days=now["current"]).partition(" ")
    return Streak(
        title=context.text("picture_streak"),
        figure=figure,
        word=word,
        today=context.text("picture_streak_today") if now["is_today"] and now["current"] else "",
        longest=context.text(longest, days=now["longest"]),
        note=context.text("picture_streak_paused") if now["is_paused"] else freezes,
    )
