"""A team for the tests, its managers and members without a bot."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from tests.supabase.trainings.test_trainings import Player

Sql = Callable[..., list[dict[str, Any]]]
Call = Callable[..., Any]
_references = itertools.count(1)


class Team:
    """A team with one manager."""

    def __init__(self, sql: Sql, call: Call) -> None:
        self.sql, self.call = sql, call
        self.manager = Player(sql, call)
        created = call(
            "create_team",
            p_user_id=self.manager.user_id,
            p_bot="spin",
            p_name="North",
            p_reference=f"team:{next(_references)}",
        )
        self.id = created["team"]["id"]
        self.code = created["team"]["code"]

    def join(self, player: Player | None = None) -> Player:
        """Let a user join."""
        player = player or Player(self.sql, self.call)
        joined = self.call("join_team", p_user_id=player.user_id, p_bot="spin", p_code=self.code)
        assert joined["outcome"] in ("joined", "known")
        return player

    def zone(self, name: str) -> None:
        """Set the time zone."""
        changed = self.call(
            "update_team", p_user_id=self.manager.user_id, p_team_id=self.id, p_time_zone=name
        )
        assert changed["outcome"] == "changed"

    def assign(self, due_on: str, *, by: Player | None = None, **changes: Any) -> Any:
        """Assign a practice of CASE; return the result."""
        parameters = {
            "p_user_id": (by or self.manager).user_id,
            "p_team_id": self.id,
            "p_scenario": "spin",
            "p_case": None,
            "p_mode": "practice",
            "p_difficulty": "medium",
            "p_due_on": due_on,
            "p_repetitions": 1,
            "p_reference": f"assignment:{next(_references)}",
            **changes,
        }
        return self.call("create_assignment", **parameters)

    def tasks(self, player: Player) -> list[dict[str, Any]]:
        """Return a member's tasks, the first round first."""
        return self.sql(
            "select * from assignment_tasks where user_id = %s order by assignment_id, number", player.user_id
        )

    def role(self, player: Player) -> str | None:
        """Return a user's role."""
        rows = self.sql(
            "select role from team_members where team_id = %s and user_id = %s", self.id, player.user_id
        )
        return rows[0]["role"] if rows else None
