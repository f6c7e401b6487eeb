"""Reversed roles: the AI asks as the salesperson, the user answers as the client and judges the questions.

Each answer is a turn that SQL leases and records once, as in an ordinary training. After the last answer, or
by the button, which drops a question that has no answer yet, the user labels the questions one after the
other; the last judgment finishes the training.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery

from shared.core import db
from shared.core.texts import concat
from shared.features.trainer import access, library, reversed_screens, salesperson
from shared.telegram import current_context, reply
from shared.telegram.context import UpdateContext
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import (
        FinishReversed,
        JudgeReversedTurn,
        RecordReversedTurn,
        StopReversedQuestions,
        TrainingState,
    )
    from shared.features.trainer.scenario_models import Case, Scenario

router = Router()


def begin(context: UpdateContext, scenario: Scenario, training: TrainingState) -> TrainingState:
    """Store the first question of a training that was started now, and return it with that question."""
    recorded: RecordReversedTurn = db.call(
        "record_reversed_turn",
        p_user_id=context.user.id,
        p_training_id=training["id"],
        p_reference=f"{training['id']}:start",
        p_answer=None,
        p_question=salesperson.opening_question(scenario, training["language"]),
    )
    return recorded.get("training", training)


def answer(
    context: UpdateContext,
    scenario: Scenario,
    case: Case,
    training: TrainingState,
    text: str,
    *,
    may_use_ai: bool,
) -> None:
    """Take a message as the client's answer, and ask the next question."""
    is_last = training["question_count"] + 1 >= training["max_questions"]
    is_waiting = reversed_screens.unanswered(training) is not None
    recorded: RecordReversedTurn = db.call(
        "record_reversed_turn",
        p_user_id=context.user.id,
        p_training_id=training["id"],
        p_reference=context.reference,
        p_answer=text,
        p_question=None
        if is_last or not is_waiting
        else salesperson.next_question(context, scenario, case, training, text, may_use_ai=may_use_ai),
    )
    if recorded["outcome"] == "no_access":
        return reply(*access.offer(context))
    if "training" in recorded and not is_waiting:
        note = context.rich("trainer_reversed_no_more")
        return reply(*reversed_screens.judgment(context, scenario, recorded["training"], note))
    if "training" in recorded:
        show(context, scenario, recorded["training"])
    return None


def tip(context: UpdateContext, scenario: Scenario, training: TrainingState) -> None:
    """Answer that there are no tips, with what is to be done."""
    note = context.rich("trainer_tip_reversed")
    if reversed_screens.unanswered(training) is None:
        return reply(*reversed_screens.judgment(context, scenario, training, note))
    text = concat(note, reversed_screens.question(context, training), separator="\n\n")
    return reply(text, reversed_screens.buttons(context))


def show(context: UpdateContext, scenario: Scenario, training: TrainingState) -> None:
    """Send the question that waits for an answer, or the first one to judge."""
    if reversed_screens.unanswered(training) is None:
        return context.reply(
            *reversed_screens.judgment(context, scenario, training), needs_delivery_result=True
        )
    # The question is a paid one: it is stored until it has arrived.
    return context.reply(
        reversed_screens.question(context, training),
        reversed_screens.buttons(context),
        needs_delivery_result=True,
    )


def finish(context: UpdateContext, scenario: Scenario, training: TrainingState) -> None:
    """End the questions and ask for the next judgment; after the last one, send the result."""
    stopped: StopReversedQuestions = db.call(
        "stop_reversed_questions", p_user_id=context.user.id, p_training_id=training["id"]
    )
    if stopped["outcome"] == "busy":
        return reply(context.rich("trainer_reversed_busy"), reversed_screens.buttons(context))
    if "training" in stopped and reversed_screens.unjudged(stopped["training"]) is not None:
        return reply(*reversed_screens.judgment(context, scenario, stopped["training"]))
    finished: FinishReversed = db.call(
        "finish_reversed",
        p_user_id=context.user.id,
        p_training_id=training["id"],
        p_reference=context.reference,
    )
    if finished["outcome"] == "busy":
        return reply(context.rich("trainer_reversed_busy"), reversed_screens.buttons(context))
    if "result" in finished:
        context.reply(*reversed_screens.result(context, finished["result"]), needs_delivery_result=True)
    return None


@router.callback_query_handler(
    data=r"judge:[0-9]{1,18}:[0-9]{1,9}:(?:[a-z][a-z0-9_]{0,39}|[+-])", private_only=True, page="resume"
)
def judge(call: CallbackQuery) -> None:
    """Take the type of a question, or whether it was useful, and ask what comes next."""
    context = current_context()
    _, training_id, position, chosen = (call.data or "").split(":")
    found: JudgeReversedTurn = db.call(
        "judge_reversed_turn",
        p_user_id=context.user.id,
        p_training_id=int(training_id),
        p_position=int(position),
        p_type=None if chosen in "+-" else chosen,
        p_is_useful={"+": True, "-": False}.get(chosen),
    )
    training = found.get("training")
    if training is not None and reversed_screens.unjudged(training) is not None:
        try:
            scenario = library.load(training["scenario"])
        except KeyError:
            return context.answer_callback(context.text("button_old"), alert=True)
        return context.show(*reversed_screens.judgment(context, scenario, training))
    finished: FinishReversed = db.call(
        "finish_reversed", p_user_id=context.user.id, p_training_id=int(training_id)
    )
    if finished["outcome"] == "busy":
        return context.answer_callback(context.text("trainer_reversed_busy"), alert=True)
    if "result" not in finished or finished["result"]["scenario"] not in library.names():
        return context.answer_callback(context.text("button_old"), alert=True)
    return context.show(*reversed_screens.result(context, finished["result"]))
