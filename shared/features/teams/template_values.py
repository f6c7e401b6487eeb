"""Values of messages that SQL enqueues: a team and what it assigned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core import texts
from shared.core.display_names import display_name
from shared.features.teams import tasks

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject


def shown(language: str, value: JsonObject) -> str:
    """Return {name, assignment, number, rounds} of a task: what it asks for, and the team."""
    return texts.text(
        language,
        "team_task_round" if value["rounds"] > 1 else "team_task_once",
        what=tasks.title(language, value["assignment"]),
        team=display_name(value["name"]) or "👤",
        number=value["number"],
        rounds=value["rounds"],
    )
