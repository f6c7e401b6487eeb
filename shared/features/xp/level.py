"""The level of a user and the way to the next one, for the picture in a chat and for pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.core import db
from shared.features.xp.names import points, written

if TYPE_CHECKING:
    from shared.core.sql_types import GetProfile
    from shared.core.texts.reader import Reader


class LevelCard(NamedTuple):
    """A level; the words are ready to be written. `share`: the part of the way to the next level, 0 to 1."""

    level: int
    xp: str
    next_level: str
    share: float


def card(reader: Reader, user_id: int) -> LevelCard | None:
    """Return the level of a user; None without XP."""
    found: GetProfile | None = db.call("get_profile", p_user_id=user_id)
    return of(reader, found) if found is not None and found["total_xp"] else None


def of(reader: Reader, profile: GetProfile) -> LevelCard:
    """Return the level of a profile."""
    xp, ends_at = profile["total_xp"], profile["next_level_xp"]
    next_level, share = reader.text("picture_xp_highest"), 1.0
    if ends_at is not None:
        left = written(reader, ends_at - xp)
        next_level = reader.text("picture_xp_next", xp=left, level=profile["level"] + 1)
        share = (xp - profile["level_xp"]) / (ends_at - profile["level_xp"])
    return LevelCard(profile["level"], points(reader, xp), next_level, share)
