"""Parts that several pages of the CRM show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core import texts
from shared.features import xp
from shared.features.crm import rubric

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject
    from shared.core.sql_types import LeadRow
    from shared.web.visit import Visit

PATH = "/crm"


def stage_name(visit: Visit, stage: str) -> str:
    """Return a stage as the page names it: ours are translated."""
    key = f"crm_stage_{stage}"
    return visit.text(key) if texts.has(visit.language, key) else stage


def band_name(visit: Visit, score: int | None) -> str:
    """Return the band of a score; empty without one."""
    return "" if score is None else visit.text(f"crm_band_{rubric.band(score)}")


def lead(visit: Visit, row: LeadRow) -> JsonObject:
    """Return a lead as the board shows it."""
    return {
        "address": visit.url(f"{PATH}/{row['id']}"),
        "name": row["name"],
        "username": f"@{row['username']}" if row["username"] else "",
        "query": row["query"] or "",
        "score": row["score"],
        "band": band_name(visit, row["score"]),
        "band_key": rubric.band(row["score"]) if row["score"] is not None else "",
        "stage": stage_name(visit, row["stage"]),
        "next_action": row["next_action"] or "",
        "next_at": visit.date(row["next_action_at"], with_time=True) if row["next_action_at"] else "",
        "bot": xp.bot_title(visit, row["bot"]),
        "source": row["source"] or "",
        "seen": visit.date(row["last_message_at"]),
    }
