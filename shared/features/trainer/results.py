"""The result of a training: the score and its lines, each of which can be opened and disputed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery

from shared.core import db
from shared.core.texts import Text, concat
from shared.features.trainer import library, reversed_screens
from shared.features.trainer.briefing import shortened
from shared.features.trainer.scenario_badges import badge_name
from shared.telegram import current_context
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject
    from shared.core.sql_types import (
        FinishTraining,
        GetTrainingResult,
        TrainingFinishedBy,
        TrainingResult,
        TrainingResultLines,
        TrainingResultReview,
        TrainingState,
    )
    from shared.core.texts.reader import Reader
    from shared.features.trainer.scenario_models import Scenario

router = Router()

_PER_ROW = 5  # buttons of lines
_SHORT = 80  # characters of a question in the list
_QUOTED = 200  # characters of a quotation
_FACT = 90  # characters of the client's words in a better question


def finish(context: UpdateContext, training: TrainingState, reason: str, *, is_late: bool = False) -> None:
    """Finish a training and send its result.

    Args:
        reason: `button`, or what ended it: `time` or `limit`.
        is_late: the message of this update came after the end.
    """
    finished: FinishTraining = db.call(
        "finish_training",
        p_user_id=context.user.id,
        p_training_id=training["id"],
        p_reason=reason,
        p_case_data=_case_data(training),
        p_reference=context.reference,
    )
    if finished["outcome"] == "busy":
        button = [(context.text("trainer_finish_button"), "train:finish")]
        context.reply(context.rich("trainer_finish_busy"), [button])
    elif "result" in finished:
        _send(context, finished["result"], is_late=is_late)
    else:  # the user has started another one meanwhile
        context.reply(context.rich("trainer_none_open"), [[(context.text("trainer_start_button"), "play")]])


def show_finished(context: UpdateContext, *, is_late: bool = False) -> bool:
    """Send the result of the training that a first attempt at this update finished; return whether it did.

    The process may have ended before it sent the result. Then no training is open for the second attempt.

    Args:
        is_late: as for `finish`.
    """
    if context.attempt < 2:
        return False
    found: TrainingFinishedBy | None = db.call(
        "training_finished_by",
        p_user_id=context.user.id,
        p_bot=context.bot.name,
        p_reference=context.reference,
    )
    if found is None:
        return False
    _send(context, found["result"], is_late=is_late)
    return True


def _send(context: UpdateContext, result: TrainingResult, *, is_late: bool) -> None:
    """Send a result, below what ended the training."""
    text, rows = screen(context, result)
    if result["reason"] == "time":
        key = "trainer_time_over" if is_late else "trainer_exam_over"
        text = concat(context.rich(key), text, separator="\n\n")
    elif is_late:
        text = concat(context.rich("trainer_limit_over"), text, separator="\n\n")
    context.reply(text, rows, needs_delivery_result=True)


@router.callback_query_handler(data=r"result:[0-9]{1,18}", private_only=True, page="history")
def show_result(call: CallbackQuery) -> None:
    """Show the result of a training again."""
    context = current_context()
    if (found := find(context, call, needs_scenario=False)) is not None:
        context.show(*screen(context, found))


@router.callback_query_handler(data=r"result:[0-9]{1,18}:[0-9]{1,9}", private_only=True, page="history")
def show_line(call: CallbackQuery) -> None:
    """Explain the points of one line."""
    context = current_context()
    if (found := find(context, call)) is None:
        return None
    line = line_at(found, position(call))
    if line is None:
        return context.answer_callback(context.text("button_old"), alert=True)
    return context.show(*line_screen(context, found, line))


def find(
    context: UpdateContext, call: CallbackQuery, *, needs_scenario: bool = True
) -> TrainingResult | None:
    """Return the result that a button names; without one, answer that the button is old.

    Args:
        needs_scenario: a result whose scenario has left the deployment is none.
    """
    training_id = int((call.data or "").split(":")[1])
    found: GetTrainingResult | None = db.call(
        "get_training_result", p_user_id=context.user.id, p_training_id=training_id
    )
    if found is None or (needs_scenario and found["result"]["scenario"] not in library.names()):
        context.answer_callback(context.text("button_old"), alert=True)
        return None
    return found["result"]


def position(call: CallbackQuery) -> int:
    """Return the line that a button names."""
    return int((call.data or "").split(":")[2])


def line_at(result: TrainingResult, place: int) -> TrainingResultLines | None:
    """Return the line at a position."""
    return next((line for line in result["lines"] if line["position"] == place), None)


def _case_data(training: TrainingState) -> JsonObject:
    """Return what the history keeps of the case, so that it can be read without the case's file."""
    try:
        case = library.load_case(training["scenario"], training["case_id"])
    except KeyError:
        return {}
    return {
        "industry": case.industry,
        "company": case.client.company.model_dump(),
        "product": case.product.name.model_dump(),
    }


def screen(context: UpdateContext, result: TrainingResult) -> tuple[Text, Keyboard]:
    """Return the result with a button for each line."""
    if result["scenario"] not in library.names():
        return _screen_without_scenario(context, result)
    if result["mode"] == "reversed":
        return reversed_screens.result(context, result)
    scenario = library.load(result["scenario"])
    rows = _line_buttons(result)
    exam = result["exam"]
    if exam is not None and exam["is_passed"] and context.bot.has_command("certificate"):
        rows.append([(context.text("trainer_certificate_button"), f"certificate:{result['training_id']}")])
    rows.append(_next_buttons(context))
    if not result["is_scored"]:
        return unscored(context, result), rows
    parts = [
        head(context, scenario, result),
        _lines(context, scenario, result),
        best_and_worst(context, scenario, result),
        rewards(context, scenario, result),
    ]
    return concat(*(part for part in parts if part.text), separator="\n\n"), rows


def _screen_without_scenario(context: UpdateContext, result: TrainingResult) -> tuple[Text, Keyboard]:
    """Return the score of a training whose scenario has left the deployment, and what it gave."""
    rows = [_next_buttons(context)]
    if not result["is_scored"]:
        return unscored(context, result), rows
    xp = result["xp"]
    parts = [context.rich("trainer_score_gone", score=result["score"])]
    if xp is not None and xp["awarded"]:
        parts.append(context.rich("trainer_xp", points=f"{xp['points']:+d}", total=xp["total_xp"]))
    elif not result["counts"]:
        parts.append(context.rich("trainer_not_counted"))
    return concat(*parts, separator="\n\n"), rows


def _next_buttons(context: UpdateContext) -> list[tuple[str, str]]:
    return [
        (context.text("trainer_new_button"), "play:new"),
        (context.text("trainer_history_button"), "past"),
    ]


def unscored(context: Reader, result: TrainingResult) -> Text:
    """Return that there were too few questions for a score; an exam is not passed, either."""
    text = context.rich(
        "trainer_unscored", questions=result["question_count"], minimum=result["min_questions"]
    )
    if (exam := result["exam"]) is None:
        return text
    return concat(text, context.rich("trainer_exam_failed", score=exam["score"]), separator="\n\n")


def _line_buttons(result: TrainingResult) -> list[list[tuple[str, str]]]:
    buttons = [
        (str(number), f"result:{result['training_id']}:{line['position']}")
        for number, line in enumerate(result["lines"], 1)
    ]
    return [buttons[start : start + _PER_ROW] for start in range(0, len(buttons), _PER_ROW)]


def head(context: Reader, scenario: Scenario, result: TrainingResult) -> Text:
    """Return the score and its figures."""
    if (found := result["review"]) is not None:
        return _review_head(context, scenario, result, found)
    rank = "" if result["mode"] == "drill" else scenario.rank(result["score"]).name.of(context.language)
    parts = [
        context.rich("trainer_score_drill", score=result["score"])
        if result["mode"] == "drill"
        else context.rich("trainer_score", score=result["score"], rank=rank),
        context.rich(
            "trainer_figures",
            clarity=result["clarity_level"],
            questions=result["question_count"],
            contextual=result["contextual_questions"],
        ),
    ]
    if (exam := result["exam"]) is not None:
        key = "trainer_exam_passed" if exam["is_passed"] else "trainer_exam_failed"
        parts.append(context.rich(key, score=exam["score"]))
    if not result["counts"]:
        parts.append(context.rich("trainer_fast", seconds=scenario.rules.min_seconds))
    if (before := result["before"]) is not None:
        parts.append(
            context.rich(
                "trainer_compared",
                score=before["score"],
                difference=f"{result['score'] - before['score']:+d}",
                clarity=before["clarity_level"],
            )
        )
    return concat(*parts, separator="\n")


def _review_head(
    context: Reader, scenario: Scenario, result: TrainingResult, found: TrainingResultReview
) -> Text:
    parts = [
        context.rich(
            "trainer_review_score",
            score=result["score"],
            rank=scenario.rank(result["score"]).name.of(context.language),
        ),
        context.rich(
            "trainer_review_figures",
            questions=result["question_count"],
            contextual=result["contextual_questions"],
        ),
    ]
    if found["left_out"]:
        parts.append(context.rich("trainer_review_left_out", count=found["left_out"]))
    if found["source"] == "patterns":
        parts.append(context.rich("trainer_review_patterns"))
    return concat(*parts, separator="\n")


def _lines(context: UpdateContext, scenario: Scenario, result: TrainingResult) -> Text:
    lines = [
        context.rich(
            "trainer_result_line",
            number=number,
            emoji=scenario.type(line["type"]).emoji,
            points=f"{line['points']:+d}",
            question=shortened(line["question"], _SHORT),
        )
        for number, line in enumerate(result["lines"], 1)
    ]
    bonuses = {"coverage": result["coverage"], "order": result["order"], "depth": result["depth"]}
    lines += [
        context.rich(f"trainer_bonus_{name}", points=f"{points:+d}", chains=result["chains"])
        for name, points in bonuses.items()
        if points
    ]
    lines.append(context.rich("trainer_open_lines"))
    return concat(*lines, separator="\n")


def best_and_worst(context: Reader, scenario: Scenario, result: TrainingResult) -> Text:
    """Return the best question, and the worst with a better wording."""
    lines = result["lines"]
    best = max(lines, key=lambda line: line["points"])
    worst = min(lines, key=lambda line: line["points"])
    parts = [context.rich("trainer_best", question=shortened(best["question"], _SHORT))]
    if worst["points"] < best["points"]:
        parts.append(
            context.rich(
                "trainer_worst",
                question=shortened(worst["question"], _SHORT),
                better=better_question(scenario, result, worst),
            )
        )
    return concat(*parts, separator="\n")


def better_question(scenario: Scenario, result: TrainingResult, line: TrainingResultLines) -> str:
    """Return a better wording of a question: the next type, about what the client had said before."""
    earlier = [
        one["reply"]
        for one in result["lines"]
        if one["position"] < line["position"] and (one["revealed"] or (result["review"] and one["reply"]))
    ]
    order = [scenario.opening_type, *(name for stage in scenario.stages for name in stage.unlocked_by)]
    wanted = (
        line["type"]
        if result["mode"] == "drill"
        else order[min(order.index(line["type"]) + 1, len(order) - 1)]
        if line["type"] in order
        else line["type"]
    )
    if not earlier:
        first = scenario.first_stage.unlocked_by[0] if result["mode"] != "drill" else wanted
        return scenario.tips[first][0].of(result["language"])
    sentence = earlier[-1].partition(". ")[0].rstrip(".")
    return scenario.type(wanted).better.of(result["language"]).format(fact=shortened(sentence, _FACT))


def rewards(context: Reader, scenario: Scenario, result: TrainingResult) -> Text:
    """Return the XP, streak and badges that the training gave."""
    parts = []
    xp = result["xp"]
    if xp is not None and xp["awarded"]:
        parts.append(context.rich("trainer_xp", points=f"{xp['points']:+d}", total=xp["total_xp"]))
        if xp["leveled_up"]:
            parts.append(context.rich("trainer_level_up", level=xp["new_level"]))
    if (streak := result.get("streak")) is not None and streak["is_new_day"]:
        parts.append(context.rich("trainer_streak", days=streak["current"]))
    if (result["maestro_streak"] or 0) > 1:
        parts.append(context.rich("trainer_maestro", count=result["maestro_streak"]))
    parts += [
        context.rich("trainer_badge", badge=badge_name(context, scenario, badge))
        for badge in result["badges"]
    ]
    return concat(*parts, separator="\n")


def line_screen(
    context: UpdateContext, result: TrainingResult, line: TrainingResultLines
) -> tuple[Text, Keyboard]:
    """Return a line with what its points are for, and a button to dispute them."""
    parts = explained(context, result, line)
    path = f"{result['training_id']}:{line['position']}"
    rows = [[(context.text("trainer_back_button"), f"result:{result['training_id']}")]]
    if not line["is_disputed"]:
        rows.insert(0, [(context.text("trainer_dispute_button"), f"dispute:{path}")])
    return concat(*parts, separator="\n\n"), rows


def explained(context: Reader, result: TrainingResult, line: TrainingResultLines) -> list[Text]:
    """Return a line, what its points are for, and what became of its dispute."""
    scenario = library.load(result["scenario"])
    one = scenario.type(line["type"])
    parts = [
        context.rich("trainer_line_question", question=line["question"], reply=line["reply"] or "—"),
        context.rich(
            f"trainer_why_{line['why']}",
            emoji=one.emoji,
            type=one.name.of(context.language),
            points=f"{line['points']:+d}",
            rule=one.rule.of(context.language),
        ),
    ]
    if line["is_contextual"]:
        parts.append(
            context.rich(
                "trainer_why_context",
                points=scenario.bonuses.contextual,
                fragment=shortened(line["used_fragment"], _QUOTED),
            )
        )
    elif line["is_copied"]:
        parts.append(context.rich("trainer_why_copied"))
    excess = scenario.bonuses.excess
    if excess is not None and line["points"] < 0:
        parts.append(context.rich("trainer_why_excess", count=excess.beyond, points=excess.points))
    if line["revealed"]:
        parts.append(context.rich("trainer_why_revealed", count=len(line["revealed"])))
    if line["is_disputed"]:
        key = {"upheld": "trainer_line_upheld", "corrected": "trainer_line_corrected"}
        parts.append(context.rich(key.get(line["dispute"] or "", "trainer_is_disputed")))
    return parts
