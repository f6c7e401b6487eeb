"""The screens of a training with reversed roles: briefing, question, judgment and result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core.texts import Text, concat
from shared.features.common.menu import back
from shared.features.trainer import library
from shared.features.trainer.briefing import card, shortened
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard

if TYPE_CHECKING:
    from shared.core.sql_types import TrainingResult, TrainingResultLines, TrainingState, TrainingStateTurns
    from shared.core.texts.reader import Reader
    from shared.features.trainer.scenario_models import Case, Scenario

_SHORT = 80  # characters of a question in the result
_REPEATED = 400  # characters of a question or an answer on the other screens


def start(context: UpdateContext, scenario: Scenario, case: Case, training: TrainingState) -> Text:
    """Return the whole case, with all that the client hides, and the question that waits for an answer."""
    parts = [
        context.rich("trainer_reversed_start", limit=training["max_questions"]),
        *_case(context, scenario, case, training["language"]),
        question(context, training),
    ]
    return concat(*parts, separator="\n\n")


def question(context: UpdateContext, training: TrainingState) -> Text:
    """Return the question that waits for an answer."""
    pending = unanswered(training)
    return context.rich(
        "trainer_reversed_question",
        question=pending["question"] if pending else "…",
        number=training["question_count"] + 1,
        limit=training["max_questions"],
    )


def resumed(
    context: UpdateContext, scenario: Scenario, case: Case, training: TrainingState
) -> tuple[Text, Keyboard]:
    """Return where the training stopped: at a question of the AI, or at one that the user judges."""
    if unanswered(training) is None:
        return judgment(context, scenario, training)
    if not training["question_count"]:
        return start(context, scenario, case, training), buttons(context)
    last = training["turns"][-2]
    exchange = context.rich(
        "trainer_reversed_exchange",
        question=shortened(last["question"], _REPEATED),
        answer=shortened(last["reply"], _REPEATED),
    )
    known = _case(context, scenario, case, training["language"])
    return concat(*known, exchange, question(context, training), separator="\n\n"), buttons(context)


def _case(context: UpdateContext, scenario: Scenario, case: Case, language: str) -> list[Text]:
    """Return the client that the user plays, with all that only the client knows."""
    names = [name for stage in scenario.stages for name in stage.facts]
    hidden = ["\n→ ".join(one.fact(name).of(language) for name in names) for one in case.hidden]
    return [
        card(context, scenario, case, language, key="trainer_reversed_card"),
        context.rich("trainer_reversed_hidden", hidden="\n\n".join(f"• {text}" for text in hidden)),
    ]


def buttons(context: UpdateContext) -> Keyboard:
    """Return the button under a question of the AI."""
    return [[(context.text("trainer_reversed_judge_button"), "train:finish")]]


def unanswered(training: TrainingState) -> TrainingStateTurns | None:
    """Return the question that waits for an answer of the user."""
    return next((turn for turn in training["turns"] if not turn["reply"]), None)


def unjudged(training: TrainingState) -> TrainingStateTurns | None:
    """Return the first answered question that the user has not judged."""
    return next((turn for turn in training["turns"] if turn["reply"] and turn["is_useful"] is None), None)


def judgment(
    context: UpdateContext, scenario: Scenario, training: TrainingState, note: Text | None = None
) -> tuple[Text, Keyboard]:
    """Return the question to judge next: its type, then whether it was useful.

    Args:
        note: stands above it.
    """
    above = [note] if note else []
    turn = unjudged(training)
    if turn is None:  # all are judged, but the process ended before the result
        text = concat(*above, context.rich("trainer_reversed_judged"), separator="\n\n")
        return text, [[(context.text("trainer_result_button"), "train:finish")]]
    path = f"judge:{training['id']}:{turn['position']}"
    head = context.rich(
        "trainer_reversed_turn",
        number=turn["position"],
        limit=training["question_count"],
        question=shortened(turn["question"], _REPEATED),
        answer=shortened(turn["reply"], _REPEATED),
    )
    if turn["judged_type"] is None:
        rows: Keyboard = [
            [(f"{one.emoji} {one.name.of(context.language)}", f"{path}:{one.id}")]
            for one in scenario.types_in_order
        ]
        return concat(*above, head, context.rich("trainer_reversed_ask_type"), separator="\n\n"), rows
    rows = [
        [
            (context.text("trainer_reversed_useful_button"), f"{path}:+"),
            (context.text("trainer_reversed_useless_button"), f"{path}:-"),
        ]
    ]
    return concat(*above, head, context.rich("trainer_reversed_ask_useful"), separator="\n\n"), rows


def result(context: UpdateContext, found: TrainingResult) -> tuple[Text, Keyboard]:
    """Return how the user's labels compare with the trainer's, with what makes each type."""
    rows = [[(context.text("trainer_new_button"), "play:new")], *back(context)]
    return concat(*compared(context, found), separator="\n\n"), rows


def compared(context: Reader, found: TrainingResult) -> list[Text]:
    """Return how the user's labels compare with the trainer's, part by part."""
    lines = found["lines"]
    if not lines:
        return [context.rich("trainer_reversed_unanswered")]
    scenario = library.load(found["scenario"])
    parts = [
        context.rich(
            "trainer_reversed_result",
            matched=found["score"],
            count=len(lines),
            useful=sum(line["is_useful"] is True for line in lines),
        ),
        concat(
            *(_line(context, scenario, number, one) for number, one in enumerate(lines, 1)), separator="\n"
        ),
        concat(*_types(context, scenario, lines), separator="\n"),
        _reward(context, found),
    ]
    return [part for part in parts if part.text]


def _line(context: Reader, scenario: Scenario, number: int, line: TrainingResultLines) -> Text:
    is_same = line["judged_type"] == line["type"]
    return context.rich(
        "trainer_reversed_same" if is_same else "trainer_reversed_other",
        number=number,
        question=shortened(line["question"], _SHORT),
        yours=scenario.type(line["judged_type"] or line["type"]).name.of(context.language),
        mine=scenario.type(line["type"]).name.of(context.language),
    )


def _types(context: Reader, scenario: Scenario, lines: list[TrainingResultLines]) -> list[Text]:
    """Return a line for each type that was asked or named: how many were recognized, and its rule."""
    named = {line["type"] for line in lines} | {line["judged_type"] for line in lines}
    return [
        context.rich(
            "trainer_reversed_type",
            emoji=one.emoji,
            type=one.name.of(context.language),
            matched=sum(line["type"] == line["judged_type"] == one.id for line in lines),
            count=sum(line["type"] == one.id for line in lines),
            rule=one.rule.of(context.language),
        )
        for one in scenario.types_in_order
        if one.id in named
    ]


def _reward(context: Reader, found: TrainingResult) -> Text:
    if (xp := found["xp"]) is not None and xp["awarded"]:
        return context.rich("trainer_xp", points=f"{xp['points']:+d}", total=xp["total_xp"])
    if found["is_fast"] and found["is_scored"]:
        return context.rich("trainer_fast", seconds=library.load(found["scenario"]).rules.min_seconds)
    if not found["is_scored"]:
        return context.rich("trainer_reversed_minimum", minimum=found["min_questions"])
    return Text("", [])
