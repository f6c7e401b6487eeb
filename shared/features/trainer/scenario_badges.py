"""Names of badges: those of a scenario stand in its file, those of all bots in the texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core import texts

if TYPE_CHECKING:
    from shared.core.texts.reader import Reader
    from shared.features.trainer.scenario_models import Scenario


def badge_name(context: Reader, scenario: Scenario, badge: str) -> str:
    """Return the name of a badge in the user's language."""
    for one in scenario.badges:
        if one.id == badge:
            return one.name.of(context.language)
    key = f"badge_{badge}"
    return context.text(key) if texts.has(context.language, key) else badge.replace("_", " ")
