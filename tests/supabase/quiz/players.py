"""Play quizzes through the SQL functions, as the functions call them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.supabase.admins.users import new_user

Sql = Callable[..., list[dict[str, Any]]]
Call = Callable[..., Any]
Clock = Callable[[str], None]
NOON = datetime.fromisoformat("2026-11-30 12:00:00+03:00")
QUESTIONS = [f"q-{number}" for number in range(1, 11)]
_references = itertools.count(1)


def next_reference() -> str:
    """Return a reference that was not used before."""
    return f"quiz-test:{next(_references)}"


class Time:
    """The database's time. It stands still until it is moved."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.now = NOON
        self.set(NOON)

    def set(self, moment: datetime | str) -> None:
        """Set it to a moment."""
        self.now = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        self._clock(f"(timestamptz '{self.now.isoformat()}')")

    def move(self, **by: float) -> None:
        """Move it forward: `time.move(seconds=5)`."""
        self.set(self.now + timedelta(**by))


@dataclass
class Player:
    """A user of the bot `quiz`."""

    sql: Sql
    call: Call
    time: Time
    id: int = field(init=False)

    def __post_init__(self) -> None:
        self.id = new_user(self.sql)

    def start(self, kind: str = "topic", questions: Sequence[str] = QUESTIONS, **more: Any) -> Any:
        """Start a quiz; return the result."""
        given = {"p_reference": next_reference(), "p_questions": [*questions], **more}
        return self.call("start_quiz_run", p_user_id=self.id, p_bot="quiz", p_kind=kind, **given)

    def see(self, run_id: int | None = None, show: int | None = None) -> Any:
        """Return a quiz, and show a question of it."""
        return self.call("get_quiz_run", p_user_id=self.id, p_bot="quiz", p_run_id=run_id, p_show=show)

    def answer(self, run_id: int, n: int, is_right: bool | None = True, **more: Any) -> Any:
        """Answer a question; return the result."""
        given = {
            "p_reference": next_reference(),
            "p_version": "0a1b2c3d",
            "p_topic": "closing",
            "p_choice": [] if is_right is None else [0 if is_right else 1],
            **more,
        }
        return self.call(
            "answer_quiz_question",
            p_user_id=self.id,
            p_bot="quiz",
            p_run_id=run_id,
            p_n=n,
            p_is_right=is_right,
            **given,
        )

    def play(self, right: Sequence[bool | None], seconds: float = 10, **more: Any) -> Any:
        """Take a whole quiz; return its state at the end."""
        started = self.start(questions=[f"q-{number}" for number in range(len(right))], **more)
        return self.finish(started["run"]["id"], right, seconds)

    def finish(self, run_id: int, right: Sequence[bool | None], seconds: float = 10) -> Any:
        """Answer all questions of a quiz; return its state at the end."""
        for n, is_right in enumerate(right, 1):
            self.see(run_id, n)
            self.time.move(seconds=seconds)
            done = self.answer(run_id, n, is_right)
            assert done["outcome"] == "counted"
        return done["run"]

    def xp(self) -> int:
        """Return the user's XP."""
        return int(self.sql("select total_xp from users where id = %s", self.id)[0]["total_xp"])
