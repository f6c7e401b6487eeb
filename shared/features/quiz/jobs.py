"""The job of the quiz: reminders of the day's challenge, results of rounds in groups."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic, sleep
from typing import TYPE_CHECKING

from shared.core import db, log, texts
from shared.core.display_names import display_name
from shared.core.json_types import JsonObject
from shared.core.texts import Text, concat
from shared.telegram import outbox

if TYPE_CHECKING:
    from shared.core.sql_types import (
        ClosedQuizRounds,
        ClosedQuizRoundsBest,
        EnqueueQuizReminders,
        EnqueueQuizSummary,
        OutgoingItem,
    )

BATCH = 25  # messages a second: Telegram takes about 30 from a bot
TIME = 45.0  # seconds of one run; the next run continues
_DELIVERY = 10.0  # seconds that delivering a batch may take
_MEDALS = ("🥇", "🥈", "🥉")


def quiz() -> dict[str, int]:
    """Run once and return counts. Safe to run twice at once: rows are locked, and taken once.

    Raises:
        DatabaseUnavailable: the scheduler must retry.
    """
    deadline = monotonic() + TIME
    done = {"rounds": _summarize(), "reminders": _remind(deadline)}
    if any(done.values()):
        log.info("quiz job finished", action="quiz_job", **done)
    return done


def _remind(deadline: float) -> int:
    sent = 0
    while True:
        started = monotonic()
        batch: EnqueueQuizReminders = db.call("enqueue_quiz_reminders", p_limit=BATCH)
        _deliver(batch["outgoing"])
        sent += len(batch["outgoing"])
        if batch["checked"] < BATCH or monotonic() > deadline:
            return sent
        sleep(max(started + 1 - monotonic(), 0))


def _summarize() -> int:
    rounds: list[ClosedQuizRounds] = db.call("closed_quiz_rounds", p_limit=BATCH)
    for one in rounds:
        parameters: JsonObject | None = None
        if one["polls"]:
            text, entities = _summary(one)
            parameters = {"text": text, "entities": entities}
            if one["thread_id"]:
                parameters["message_thread_id"] = one["thread_id"]
        done: EnqueueQuizSummary = db.call(
            "enqueue_quiz_summary", p_round_id=one["round_id"], p_parameters=parameters
        )
        _deliver(done["outgoing"])
    return len(rounds)


def _summary(one: ClosedQuizRounds) -> Text:
    language = texts.choose(one["language"])
    if not one["best"]:
        return texts.rich(language, "quiz_group_no_answers")
    lines = [Text(_line(place, player, one["polls"]), []) for place, player in enumerate(one["best"])]
    return concat(
        texts.rich(language, "quiz_group_results", players=one["players"]),
        concat(*lines, separator="\n"),
        separator="\n\n",
    )


def _line(place: int, player: ClosedQuizRoundsBest, polls: int) -> str:
    medal = _MEDALS[place] if place < len(_MEDALS) else f"{place + 1}."
    return f"{medal} {display_name(player['name']) or '👤'} — {player['right_answers']}/{polls}"


def _deliver(outgoing: Sequence[OutgoingItem]) -> None:
    deadline = monotonic() + _DELIVERY
    for message in outgoing:  # one call per message: a blocked chat delays no other
        outbox.deliver(message["bot"], [message], deadline)
