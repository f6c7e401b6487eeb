"""What users see of the day's challenge: its result with all explanations, and the board."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core import db
from shared.core.texts import Text, concat
from shared.features import xp
from shared.features.quiz import library, screens
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard

if TYPE_CHECKING:
    from shared.core.sql_types import GetQuizBoard, GetQuizBoardEntries, QuizRunState


def result(context: UpdateContext, run: QuizRunState) -> tuple[Text, Keyboard]:
    """Return the result of a finished challenge with the board."""
    given = run["result"]
    assert given is not None  # of a finished challenge
    head = context.rich(
        "quiz_challenge_result",
        right=given["right"],
        of=given["questions"],
        time=screens.duration(context, given["seconds"]),
    )
    parts = [head, *screens.awards(context, given), *board(context, str(run["day"]))]
    return concat(*parts, separator="\n\n"), [
        [(context.text("quiz_remind"), "daily:hours")],
        [(context.text("quiz_again"), "quiz")],
    ]


def explanations(context: UpdateContext, run: QuizRunState) -> Text:
    """Return the right answers and explanations of a finished challenge."""
    known = library.questions()
    parts = [context.rich("quiz_challenge_answers")]
    for given in run["answers"]:
        question = known.get(run["questions"][given["n"] - 1])
        if question is None:
            continue
        wording = question.wording(context.language)
        parts.append(
            context.rich(
                "quiz_challenge_answer",
                mark="✅" if given["is_right"] else "❌",
                question=wording.text,
                answer=", ".join(wording.options[one] for one in question.right),
                explanation=wording.explanation,
            )
        )
    return concat(*parts, separator="\n\n")


def board(context: UpdateContext, day: str) -> list[Text]:
    """Return the board of a day with the user's place; nothing while it is empty."""
    found: GetQuizBoard = db.call(
        "get_quiz_board", p_user_id=context.user.id, p_bot=context.bot.name, p_day=day
    )
    if not found["entries"]:
        return []
    lines = [context.rich("quiz_board"), *(_entry(context, entry) for entry in found["entries"])]
    if found["rank"] is not None and not any(entry["is_me"] for entry in found["entries"]):
        lines.append(
            context.rich("quiz_board_me", rank=found["rank"], total=found["total"], score=found["score"])
        )
    return [concat(*lines, separator="\n")]


def _entry(context: UpdateContext, entry: GetQuizBoardEntries) -> Text:
    key = "quiz_board_mine" if entry["is_me"] else "quiz_board_line"
    return context.rich(
        key,
        place=screens.place_mark(entry["rank"]),
        name=xp.shown_name(context.language, entry["name"], entry["number"]),
        score=entry["score"],
    )
