"""What the user reads before the first question and after an interruption."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from shared.core.texts import Text, concat, figures
from shared.features.trainer import library
from shared.features.trainer.unlocking import revealed_texts
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard

if TYPE_CHECKING:
    from shared.core.sql_types import TrainingState
    from shared.features.trainer.scenario_models import Case, Scenario

# Characters of the question and the answer in the exchanges that /resume repeats, the last one first. The
# longest briefing, that of a drill, leaves 1,300 of a message's 4,096.
_REPEATED = ((200, 500), (80, 120), (80, 120))


def card(
    context: UpdateContext, scenario: Scenario, case: Case, language: str = "", *, key: str = "trainer_card"
) -> Text:
    """Return who the client is, what the user sells and what is known; by `key`, what the user is offered."""
    language = language or context.language
    return context.rich(key, scenario=scenario.info.name.of(language), **library.case_words(case, language))


def start(context: UpdateContext, scenario: Scenario, case: Case, training: TrainingState) -> Text:
    """Return the briefing of a training that begins now."""
    rules = _rules(context, scenario, training)
    return concat(
        *_card_and_known(context, scenario, case, training),
        concat(rules, context.rich(scenario.wording("trainer_send_first")), separator=" "),
        separator="\n\n",
    )


def _card_and_known(
    context: UpdateContext, scenario: Scenario, case: Case, training: TrainingState
) -> list[Text]:
    language = training["language"]
    parts = [card(context, scenario, case, language)]
    known = revealed_texts(scenario, case, training["revealed"], language)
    if known:
        parts.append(context.rich("trainer_known", known="\n".join(f"• {text}" for text in known)))
    return parts


def _rules(context: UpdateContext, scenario: Scenario, training: TrainingState) -> Text:
    """Return how many questions there are and what counts."""
    limit = scenario.rules.max_questions
    if training["drill_type"] is not None:
        one = scenario.type(training["drill_type"])
        return context.rich(
            scenario.wording("trainer_drill"),
            emoji=one.emoji,
            type=one.name.of(context.language),
            rule=one.rule.of(context.language),
            limit=limit,
        )
    if training["ends_at"] is not None:
        return context.rich(
            "trainer_exam_start",
            limit=limit,
            until=exam_end(context, training["ends_at"]),
            score=scenario.exam.score,
        )
    return context.rich(scenario.wording("trainer_start"), limit=limit, minimum=scenario.rules.min_questions)


def exam_end(context: UpdateContext, ends_at: str) -> str:
    """Return the time at which an exam ends: "16:10 MSK"."""
    end = datetime.fromisoformat(ends_at).astimezone(ZoneInfo(context.usage.timezone))
    return figures.time_of_day(context.language, end)


def has_tips(training: TrainingState) -> bool:
    """Return whether the user may ask for tips: never on hard, and not in an exam."""
    return training["difficulty"] != "hard" and training["mode"] != "exam"


def buttons(context: UpdateContext, training: TrainingState) -> Keyboard:
    """Return the buttons under the client's answers."""
    tip = [(context.text("trainer_tip_button"), "train:tip")] if has_tips(training) else []
    return [[*tip, (context.text("trainer_finish_button"), "train:finish")]]


def open_training(context: UpdateContext, training: TrainingState) -> Text:
    """Return what a training that is open is about, and how far it is."""
    try:
        company = library.load_case(training["scenario"], training["case_id"]).client.company.of(
            context.language
        )
    except KeyError:  # the case is gone from the deployment
        company = training["case_id"]
    if training["ends_at"] is not None:
        return context.rich(
            "trainer_exam_open",
            company=company,
            questions=training["question_count"],
            until=exam_end(context, training["ends_at"]),
        )
    if training["mode"] == "reversed":
        return context.rich(
            "trainer_reversed_open",
            company=company,
            answers=training["question_count"],
            limit=training["max_questions"],
        )
    return context.rich(
        "trainer_open",
        company=company,
        questions=training["question_count"],
        clarity=training["clarity_level"],
    )


def resume(context: UpdateContext, scenario: Scenario, case: Case, training: TrainingState) -> Text:
    """Return the briefing again, with the last exchanges."""
    if not training["turns"]:
        return start(context, scenario, case, training)
    parts = [*_card_and_known(context, scenario, case, training), _rules(context, scenario, training)]
    exchanges = [
        context.rich(
            "trainer_exchange",
            question=shortened(turn["question"], asked),
            client=case.client.name.of(training["language"]),
            reply=shortened(turn["reply"], answered),
        )
        for turn, (asked, answered) in zip(reversed(training["turns"]), _REPEATED, strict=False)
    ]
    parts += reversed(exchanges)
    parts.append(
        context.rich(
            "trainer_so_far" if training["ends_at"] is None else "trainer_exam_so_far",
            questions=training["question_count"],
            limit=scenario.rules.max_questions,
            clarity=training["clarity_level"],
        )
    )
    return concat(*parts, separator="\n\n")


def shortened(text: str, length: int) -> str:
    """Return a text in one line, cut to a number of characters."""
    plain = " ".join(text.split())
    return plain if len(plain) <= length else plain[: length - 1].rstrip() + "…"
