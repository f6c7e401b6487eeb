"""Decides what the client discloses after a question. The client knows nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.features.trainer.rules import stage_key

if TYPE_CHECKING:
    from shared.features.trainer.classifier import Labels
    from shared.features.trainer.scenario_models import Case, HiddenItem, Scenario, Stage

_MOST_FACTS = 2
_MOST_ITEMS = {"easy": 2, "medium": 2, "hard": 1}


@dataclass(frozen=True)
class Unlocked:
    """What a question opens: stages of hidden items (item:stage), facts of the case, and their texts."""

    stages: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()


def unlock(
    scenario: Scenario,
    case: Case,
    labels: Labels,
    *,
    revealed: Sequence[str],
    difficulty: str,
    language: str,
) -> Unlocked:
    """Return what a question opens.

    A question opens the next stage of the hidden items that it touches, if its type opens that stage.
    Otherwise it opens the facts that it touches, if facts answer its type. Otherwise the client repeats
    what is disclosed of the items that it touches. Otherwise it goes on with the item that was disclosed
    last; a first stage is then opened only where the difficulty allows it.
    """
    chosen = _touched_items(scenario, case, labels, revealed)[: _MOST_ITEMS[difficulty]]
    if not chosen and labels.type in scenario.rules.facts_by:
        facts = [one for one in case.facts if one.id in labels.touches][:_MOST_FACTS]
        if facts:
            return Unlocked(
                facts=tuple(one.id for one in facts), texts=tuple(one.text.of(language) for one in facts)
            )
    if not chosen and (known := _known_texts(scenario, case, labels, revealed, language)):
        return Unlocked(texts=tuple(known[:_MOST_FACTS]))
    if not chosen and (labels.is_contextual or not _touches_hidden(case, labels)):
        chosen = _following_item(scenario, case, labels, revealed, difficulty)
    return Unlocked(
        stages=tuple(stage_key(item.id, stage.id) for item, stage in chosen),
        texts=tuple(item.fact(name).of(language) for item, stage in chosen for name in stage.facts),
    )


def revealed_texts(scenario: Scenario, case: Case, revealed: Collection[str], language: str) -> list[str]:
    """Return the texts of the stages that are disclosed."""
    return [
        item.fact(name).of(language)
        for item in case.hidden
        for stage in scenario.stages
        if stage_key(item.id, stage.id) in revealed
        for name in stage.facts
    ]


def next_stage(scenario: Scenario, case: Case, item: HiddenItem, revealed: Collection[str]) -> Stage | None:
    """Return the stage of an item that can be opened next; None at the end, or before its turn comes."""
    first = scenario.first_stage.id
    if any(stage_key(one, first) not in revealed for one in item.after):
        return None
    return next((one for one in scenario.stages if stage_key(item.id, one.id) not in revealed), None)


def next_type(scenario: Scenario, case: Case, revealed: Collection[str], opening_count: int) -> str:
    """Return the type of question that leads on: the deepest stage that can be opened."""
    stages = [stage for item in case.hidden if (stage := next_stage(scenario, case, item, revealed))]
    deeper = [stage for stage in stages if stage is not scenario.first_stage]
    if deeper:
        return max(deeper, key=scenario.stages.index).unlocked_by[0]
    if opening_count < 2 or not stages:
        return scenario.opening_type
    return scenario.first_stage.unlocked_by[0]


def _openable(
    scenario: Scenario, case: Case, labels: Labels, revealed: Sequence[str]
) -> Iterator[tuple[HiddenItem, Stage]]:
    for item in case.hidden:
        stage = next_stage(scenario, case, item, revealed)
        if stage is not None and labels.type in stage.unlocked_by:
            yield item, stage


def _touched_items(
    scenario: Scenario, case: Case, labels: Labels, revealed: Sequence[str]
) -> list[tuple[HiddenItem, Stage]]:
    return [one for one in _openable(scenario, case, labels, revealed) if one[0].id in labels.touches]


def _known_texts(
    scenario: Scenario, case: Case, labels: Labels, revealed: Sequence[str], language: str
) -> list[str]:
    """Return what is disclosed of the touched items in the stages that the type of question opens."""
    return [
        item.fact(name).of(language)
        for item in case.hidden
        if item.id in labels.touches
        for stage in scenario.stages
        if labels.type in stage.unlocked_by and stage_key(item.id, stage.id) in revealed
        for name in stage.facts
    ]


def _touches_hidden(case: Case, labels: Labels) -> bool:
    return any(item.id in labels.touches for item in case.hidden)


def _following_item(
    scenario: Scenario, case: Case, labels: Labels, revealed: Sequence[str], difficulty: str
) -> list[tuple[HiddenItem, Stage]]:
    """Return the item that a question without a subject goes on with."""
    openable = list(_openable(scenario, case, labels, revealed))
    last = [key.partition(":")[0] for key in revealed]
    deeper = [one for one in openable if one[1] is not scenario.first_stage and one[0].id in last]
    if deeper:
        return [max(deeper, key=lambda one: len(last) - last[::-1].index(one[0].id))]
    is_allowed = difficulty == "easy" or (difficulty == "medium" and not _is_opened(scenario, revealed))
    return openable[:1] if is_allowed else []


def _is_opened(scenario: Scenario, revealed: Sequence[str]) -> bool:
    """Return whether a question has opened anything yet."""
    first = scenario.first_stage.id
    return any(key.endswith(f":{first}") for key in revealed)
