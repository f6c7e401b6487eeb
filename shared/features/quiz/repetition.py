"""When a user sees a question again, by FSRS (package `fsrs`).

Without learning steps, so that a question comes again after days; without fuzzing, so that a repeated call
gives the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fsrs import Scheduler

    from shared.core.sql_types import QuizCard

SLOW = 2.0  # times the user's median
LONGEST = 300.0  # seconds; an answer after more was interrupted


def rated(
    question: str,
    card: QuizCard | None,
    *,
    is_right: bool,
    seconds: float,
    median: float | None,
    now: datetime,
) -> Mapping[str, object]:
    """Return a question's card after an answer, as `answer_quiz_question` takes it.

    Args:
        card: the card before; None at the first answer.
        seconds: the time that the answer took.
        median: that of the user's last answers, in seconds; None where they are too few.
    """
    from fsrs import Card, Rating, State

    is_slow = median is not None and SLOW * median < seconds <= LONGEST
    rating = (Rating.Hard if is_slow else Rating.Good) if is_right else Rating.Again
    known = Card(card_id=_number(question))  # without an own id it would sleep to make one
    if card is not None:
        known = Card(
            card_id=_number(question),
            state=State(card["state"]),
            stability=float(card["stability"]),
            difficulty=float(card["difficulty"]),
            due=datetime.fromisoformat(card["due"]),
            last_review=datetime.fromisoformat(card["last_review"]),
        )
    after, _ = _scheduler().review_card(known, rating, now)
    return {
        "state": int(after.state),
        "stability": str(after.stability),
        "difficulty": str(after.difficulty),
        "due": after.due.isoformat(),
        "last_review": now.isoformat(),
    }


@lru_cache(maxsize=1)
def _scheduler() -> Scheduler:
    from fsrs import Scheduler

    return Scheduler(learning_steps=(), relearning_steps=(), enable_fuzzing=False)


def _number(question: str) -> int:
    return int.from_bytes(hashlib.sha256(question.encode()).digest()[:6])
