"""XP, levels, badges, the leaderboard and the streak, common to all bots.

board.py    /top: who has the most XP      names.py  levels, badges, bots and users by name
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict

from shared.core import texts
from shared.core.texts import Text, figures
from shared.telegram.feature import Command, Feature

if TYPE_CHECKING:
    from shared.telegram.context import UpdateContext

feature = Feature(
    __name__,
    commands=(Command("top", "progress"),),
    buttons=("top",),
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
    return texts.concat(*lines, separator="\n") if lines else None
