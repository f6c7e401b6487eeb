"""The job of the quiz: reminders of the day's challenge, results of rounds in groups."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from shared.core import db, log, texts
from shared.core.json_types import JsonObject
from shared.core.texts import Text, concat
from shared.features import xp
from shared.features.quiz import screens
from shared.telegram import bulk, outbox

if TYPE_CHECKING:
    from shared.core.sql_types import (
        ClosedQuizRounds,
        ClosedQuizRoundsBest,
        EnqueueQuizReminders,
        EnqueueQuizSummary,
    )

ROUNDS = 25  # of groups in one run
TIME = 45.0  # seconds of one run; the next run continues
_DELIVERY = 10.0  # seconds that delivering a batch may take


def quiz() -> dict[str, int]:
    """Run once and return counts. Safe to run twice at once: rows are locked, and taken once.

    Raises:
        DatabaseUnavailable: the scheduler must retry.
    """
    deadline = monotonic() + TIME
    done = {"rounds": _summarize(), "reminders": bulk.send(_enqueue_reminders, deadline)}
    if any(done.values()):
        log.info("quiz job finished", action="quiz_job", **done)
    return done


def _enqueue_reminders(limit: int) -> bulk.Batch:
    batch: EnqueueQuizReminders = db.call("enqueue_quiz_reminders", p_limit=limit)
    return {"checked": batch["checked"], "outgoing": batch["outgoing"]}


def _summarize() -> int:
    rounds: list[ClosedQuizRounds] = db.call("closed_quiz_rounds", p_limit=ROUNDS)
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
        outbox.deliver_outgoing(done["outgoing"], _DELIVERY)
    return len(rounds)


def _summary(one: ClosedQuizRounds) -> Text:
    language = texts.choose(one["language"])
    if not one["players"]:
        return texts.rich(language, "quiz_group_no_answers")
    parts = [texts.rich(language, "quiz_group_results", players=one["players"])]
    if one["best"]:  # empty where all players are hidden
        lines = [Text(_line(language, player, one["polls"]), []) for player in one["best"]]
        parts.append(concat(*lines, separator="\n"))
    return concat(*parts, separator="\n\n")


def _line(language: str, player: ClosedQuizRoundsBest, polls: int) -> str:
    name = xp.shown_name(language, player["name"], player["number"])
    place, right = player["place"], player["right_answers"]
    mark = screens.place_mark(place) if right else f"{place}."  # no medal without a right answer
    return f"{mark} {name} — {right}/{polls}"
