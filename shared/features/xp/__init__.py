"""XP, levels, badges, the leaderboard and the streak, common to all bots.

board.py    /top: who has the most XP                board_name.py  how the leaderboard shows the user
badges.py   /badges: earned, and still to earn       streak.py      /streak: days in a row
profile.py  the lines and the picture of /profile    time_zone.py   the user's time zone
names.py    levels, badges, bots and users by name   zone_names.py  time zones by name
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict

from shared.core.texts import Text, concat, figures  # not the package: `texts` here is the feature's own
from shared.telegram.feature import Command, Feature

if TYPE_CHECKING:
    from shared.core.texts.reader import Reader
    from shared.features.xp.level import LevelCard
    from shared.telegram.context import UpdateContext
    from shared.telegram.messages import Keyboard

feature = Feature(
    __name__,
    commands=(Command("top", "progress"), Command("badges", "progress"), Command("streak", "progress")),
    buttons=("top", "board", "badges", "streak", "zone", "xp"),
    states=("board_name", "time_zone"),
)


class Award(TypedDict):
    """What a message needs of the result of public.award_xp."""

    leveled_up: bool
    new_level: int
    total_xp: int


def level_up_text(context: UpdateContext, award: Award) -> Text | None:
    """Return the message about a new level, or None where the award brought none.

    Only one call of award_xp for a reference returns `leveled_up`, so the message is sent once.
    """
    if not award["leveled_up"]:
        return None
    total = figures.number(context.language, award["total_xp"])
    return context.rich("level_up", level=award["new_level"], xp=total)


def new_badges_text(context: UpdateContext, badges: Sequence[str]) -> Text | None:
    """Return the lines about badges just earned (private.award_due_badges), or None without any."""
    from shared.features.xp.names import badge_name

    lines = [context.rich("badge_new", name=badge_name(context, badge)) for badge in badges]
    return concat(*lines, separator="\n") if lines else None


def profile_text(context: UpdateContext) -> Text:
    """Return the lines of /profile about the level."""
    from shared.features.xp import profile

    return profile.text(context)


def profile_buttons(context: UpdateContext) -> Keyboard:
    """Return the buttons of /profile: the picture, and the pages of this feature."""
    from shared.features.xp import profile

    return profile.buttons(context)


def known_badges() -> dict[str, str]:
    """Return the badges that conditions award, each with the bot it belongs to; empty: to none."""
    from shared.features.xp.badges import KNOWN

    return {badge: bot for bot, badges in KNOWN.items() for badge in badges}


def badge_title(context: UpdateContext, badge: str) -> str:
    """Return a badge's name."""
    from shared.features.xp.names import badge_name

    return badge_name(context, badge)


def bot_title(reader: Reader, bot: str) -> str:
    """Return a bot's name."""
    from shared.features.xp.names import bot_name

    return bot_name(reader, bot)


def session_title(reader: Reader, scenario: str) -> str:
    """Return the name of a training's scenario."""
    from shared.features.xp.names import session_name

    return session_name(reader, scenario)


def find_time_zone(written: str) -> str | None:
    """Return the IANA name of the time zone that a user means, see `zone_names.find`."""
    from shared.features.xp import zone_names

    return zone_names.find(written)


def set_time_zone(user_id: int, written: str) -> str:
    """Set the time zone that a user wrote; return the outcome of set_time_zone."""
    from shared.features.xp import time_zone, zone_names

    zone = zone_names.find(written)
    return time_zone.save(user_id, zone)["outcome"] if zone else "unknown_zone"


def time_zone_choices(reader: Reader) -> list[tuple[str, str]]:
    """Return all time zones by IANA name, each with its city and offset."""
    from shared.core import clock
    from shared.features.xp import zone_names

    now = clock.now()
    return [(zone, zone_names.label(reader.language, zone, now)) for zone in zone_names.all_zones()]


def level_card(reader: Reader, user_id: int) -> LevelCard | None:
    """Return the level of a user for the first page of the account; None without XP."""
    from shared.features.xp import level

    return level.card(reader, user_id)


def time_zone_name(context: Reader, zone: str) -> str:
    """Return a time zone as users know it: "Berlin (UTC+2)"."""
    from shared.core import clock
    from shared.features.xp import zone_names

    return zone_names.label(context.language, zone, clock.now())


def shown_name(language: str, name: str | None, number: int) -> str:
    """Return how others see a user, see `names.shown_name`."""
    from shared.features.xp import names

    return names.shown_name(language, name, number)
