"""Trainings and courses: how many users began and completed them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core import db
from shared.features import xp
from shared.features.analytics.blocks import Block, Share

if TYPE_CHECKING:
    from shared.core.sql_types import AnalyticsLearning, AnalyticsLearningRows
    from shared.features.analytics.periods import Period
    from shared.web.visit import Visit


def learning(visit: Visit, period: Period) -> list[Block]:
    """Return what was begun and completed in the period."""
    found: AnalyticsLearning = db.call(
        "analytics_learning", p_actor_id=visit.user.user_id, p_from=period.start, p_until=period.end
    )
    head = ("started", "completed", "completion")
    blocks = []
    for kind in ("training", "course"):
        rows = [
            (_name(visit, one), one["started"], one["completed"], Share(one["completed"], one["started"]))
            for one in found["rows"]
            if one["kind"] == kind
        ]
        blocks.append(Block(f"{kind}s", (kind, *head), rows))
    return blocks


def _name(visit: Visit, one: AnalyticsLearningRows) -> str:
    if one["kind"] == "training":
        return xp.session_title(visit, one["key"])
    texts = one["texts"]
    chosen = texts.get(visit.language) if isinstance(texts, dict) else None
    title = chosen.get("title") if isinstance(chosen, dict) else None
    return title if isinstance(title, str) else one["key"]
