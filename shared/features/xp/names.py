"""Levels, badges, bots and users by name; what an owner added has no text and is shown by its key."""

from __future__ import annotations

import unicodedata

from shared.core import texts
from shared.core.display_names import display_name
from shared.core.texts import figures
from shared.core.texts.reader import Reader


def level_name(context: Reader, name_key: str) -> str:
    """Return a level's name; empty where there is no text for it."""
    key = f"level_name_{name_key}"
    return context.text(key) if texts.has(context.language, key) else ""


def bot_name(context: Reader, bot: str) -> str:
    """Return a bot's name."""
    return _named(context, f"bot_name_{bot}", bot)


def badge_name(context: Reader, badge: str) -> str:
    """Return a badge's name."""
    return _named(context, f"badge_{badge}", badge)


def badge_about(context: Reader, badge: str) -> str:
    """Return what a badge is awarded for; empty where there is no text for it."""
    key = f"badge_{badge}_about"
    return context.text(key) if texts.has(context.language, key) else ""


def session_name(context: Reader, scenario: str) -> str:
    """Return the name of a training's scenario."""
    return _named(context, f"session_{scenario}", scenario)


def shown_name(language: str, name: str | None, number: int) -> str:
    """Return how others see a user: by the name the user chose, else by a number."""
    return isolated(display_name(name)) or unnamed(language, number)


def unnamed(language: str, number: int) -> str:
    """Return how others see a user without a name: "User 48211"."""
    return texts.text(language, "top_unnamed", number=number)


def isolated(name: str) -> str:
    """Return a name within a line; one written from right to left does not turn the rest of the line."""
    if any(unicodedata.bidirectional(letter) in ("R", "AL", "AN") for letter in name):
        return f"\u2068{name}\u2069"  # first strong isolate, pop directional isolate
    return name


def written(context: Reader, value: int) -> str:
    """Write a number as the user's language does."""
    return figures.number(context.language, value)


def points(context: Reader, xp: int) -> str:
    """Write an amount of XP: "1,240 XP"."""
    return context.text("xp_points", xp=written(context, xp))


def _named(context: Reader, key: str, fallback: str) -> str:
    if texts.has(context.language, key):
        return context.text(key)
    return fallback.replace("_", " ").capitalize()
