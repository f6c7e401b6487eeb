"""Users, admins and broadcasts in the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from tests.support import in_parallel

Sql = Callable[..., list[dict[str, Any]]]
Call = Callable[..., Any]
NOON = "2026-12-01 12:00:00+03:00"
CONTENT = {
    "texts": {"en": "Hello, {name}"},
    "buttons": [{"texts": {"en": "Open"}, "url": "https://example.com"}],
}


def at_once(do: Callable[[Any], Any], values: Sequence[Any]) -> list[Any]:
    """Do something with each value, all at the same time."""
    return in_parallel(len(values), lambda number: do(values[number]))


class World:
    """Short ways to make users and broadcasts, and to look at them."""

    def __init__(self, sql: Sql, call: Call, clock: Callable[[str], None]) -> None:
        self.sql, self.call = sql, call
        self._clock = clock
        self.number = 8_000_000_000
        self.at(NOON)

    def at(self, moment: str) -> None:
        """Let the database's time stand still at a moment."""
        self._clock(f"(timestamptz '{moment}')")

    def user(self, name: str = "Ann", bot: str = "assistant", zone: str = "", **columns: Any) -> int:
        """Make a user who has started a bot; return users.id."""
        self.number += 1
        (row,) = self.sql(
            "insert into users (telegram_id, first_name, language_code) values (%s, %s, %s) returning id",
            self.number,
            name,
            columns.pop("language_code", "en"),
        )
        self.sql(
            "insert into bot_sessions (user_id, bot, chat_id) values (%s, %s, %s)",
            row["id"],
            bot,
            self.number,
        )
        for column, value in columns.items():
            self.sql(f"update users set {column} = %s where id = %s", value, row["id"])
        if zone:
            self.sql("insert into streaks (user_id, time_zone) values (%s, %s)", row["id"], zone)
        return int(row["id"])

    def admin(self, name: str = "boss") -> int:
        """Make an admin; return users.id."""
        found = self.user(name)
        self.sql(
            "insert into admins (email, telegram_id) select %s, telegram_id from users where id = %s",
            f"{name}@example.com",
            found,
        )
        return found

    def draft(self, actor: int, **values: Any) -> int:
        """Save a broadcast; return its id."""
        given = {
            "name": "News",
            "kind": "marketing",
            "bot": None,
            "segment": {},
            "content": CONTENT,
            **values,
        }
        saved = self.call("save_broadcast", p_actor_id=actor, p_id=None, p_version=None, p_values=given)
        assert saved["outcome"] == "saved"
        return int(saved["id"])

    def freeze(self, part: int = 10_000) -> None:
        """Freeze all recipients."""
        while self.call("freeze_broadcasts", p_limit=part)["is_open"]:
            pass

    def start(self, actor: int, **values: Any) -> int:
        """Save a broadcast, start it, and freeze its recipients; return its id."""
        number = self.draft(actor, **values)
        assert (
            self.call("start_broadcast", p_actor_id=actor, p_id=number, p_version=1)["outcome"] == "started"
        )
        self.freeze()
        return number

    def switch(self, actor: int, number: int, action: str) -> str:
        """Pause, resume, cancel …; return the outcome."""
        done = self.call("switch_broadcast", p_actor_id=actor, p_id=number, p_action=action)
        return str(done["outcome"])

    def claim(self, bot: str = "assistant", limit: int = 25) -> list[int]:
        """Claim messages regardless of the pace; return the users."""
        self.sql("delete from private.bot_pace where paused_until is null")
        return [one["user_id"] for one in self.call("claim_broadcast", p_bot=bot, p_limit=limit)["messages"]]

    def record(self, number: int, users: list[int], outcome: str = "sent", pause: float | None = None) -> int:
        """Record what became of messages; return how many were recorded."""
        results = [
            {"broadcast_id": number, "user_id": one, "outcome": outcome, "message_id": one} for one in users
        ]
        done = self.call("record_broadcast", p_bot="assistant", p_results=results, p_pause=pause)
        return int(done["recorded"])

    def row(self, number: int) -> dict[str, Any]:
        """Return the row of a broadcast."""
        (row,) = self.sql("select * from broadcasts where id = %s", number)
        return row

    def statuses(self, number: int) -> dict[int, str]:
        """Return the state of each recipient."""
        rows = self.sql("select user_id, status from broadcast_recipients where broadcast_id = %s", number)
        return {row["user_id"]: row["status"] for row in rows}

    def setting(self, key: str, value: int) -> None:
        """Change a setting."""
        self.sql("update private.settings set value = to_jsonb(%s::int) where key = %s", value, key)


@pytest.fixture
def world(sql: Sql, call: Call, clock: Callable[[str], None]) -> Iterator[World]:
    """A database without other users than the test makes."""
    sql("update users set is_active = false")
    yield World(sql, call, clock)
