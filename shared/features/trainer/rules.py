"""What SQL keeps of a scenario for one training: the numbers, without any text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject
    from shared.features.trainer.scenario_models import Case, Scenario

_TURNS_PER_QUESTION = 3  # messages that a training takes for each of its questions


def training_rules(
    scenario: Scenario, case: Case | None, drill_type: str | None, *, is_exam: bool = False
) -> JsonObject:
    """Return the rules of a training, as `start_training` stores them. A real conversation has no case."""
    rules, bonuses = scenario.rules, scenario.bonuses
    return {
        "types": [{"id": one.id, "weight": one.weight, "cap": one.cap} for one in scenario.types]
        if drill_type is None
        # One type is practiced, so its cap would end the drill early.
        else [{"id": one.id, "weight": one.weight, "cap": rules.max_questions} for one in scenario.types],
        "stages": [{"id": stage.id, "share": stage.share} for stage in scenario.stages],
        "hidden": [{"id": one.id, "weight": one.weight} for one in case.hidden] if case else [],
        "given": given_stages(scenario, case, drill_type) if case else [],
        "bonuses": {
            "contextual": bonuses.contextual,
            "coverage": bonuses.coverage,
            "order": bonuses.order.model_dump() if bonuses.order else None,
            "depth": bonuses.depth.model_dump() if bonuses.depth else None,
            "excess": bonuses.excess.model_dump() if bonuses.excess and drill_type is None else None,
        },
        "min_questions": rules.min_questions,
        "max_questions": rules.max_questions,
        "max_turns": rules.max_questions * _TURNS_PER_QUESTION,
        "target_clarity": rules.target_clarity,
        "min_seconds": rules.min_seconds,
        "maestro_score": rules.maestro_score,
        **({"exam": scenario.exam.model_dump()} if is_exam else {}),
    }


def reversed_rules(scenario: Scenario, case: Case) -> JsonObject:
    """Return the rules of a training with reversed roles.

    Raises:
        KeyError: the scenario has none.
    """
    if scenario.reversed_role is None:
        raise KeyError(scenario.info.id)
    return training_rules(scenario, case, None) | {
        "min_questions": scenario.reversed_role.minimum,
        "max_questions": scenario.reversed_role.questions,
        "gives_badges": scenario.reversed_role.gives_badges,
    }


def given_stages(scenario: Scenario, case: Case, drill_type: str | None) -> list[str]:
    """Return the stages that are disclosed at the start.

    In a drill these are all before the first one that its type opens.
    """
    opened = [place for place, stage in enumerate(scenario.stages) if drill_type in stage.unlocked_by]
    first = opened[0] if opened else scenario.stages.index(scenario.first_stage)
    return [stage_key(one.id, stage.id) for one in case.hidden for stage in scenario.stages[:first]]


def stage_key(item: str, stage: str) -> str:
    """Return the name of a stage of a hidden item."""
    return f"{item}:{stage}"
