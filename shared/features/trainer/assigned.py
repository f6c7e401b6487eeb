"""Assigned trainings: what can be assigned, and starting one of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, NamedTuple

from shared.core.texts import Text
from shared.features.trainer import briefing, library, setup
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard

if TYPE_CHECKING:
    from shared.features.trainer.scenario_models import Case


class CaseChoice(NamedTuple):
    """A case that can be assigned; `name` is its company, with the mark of its difficulty."""

    id: str
    name: str


def scenario_choices(language: str) -> list[tuple[str, str]]:
    """Return (id, name) of the scenarios that have cases."""
    return [
        (name, library.load(name).info.name.of(language))
        for name in library.names()
        if library.case_names(name)
    ]


def case_choices(context: UpdateContext, scenario: str) -> list[CaseChoice]:
    """Return the cases of a scenario.

    Raises:
        KeyError: there is no such scenario (any more).
    """
    library.load(scenario)
    return [
        CaseChoice(
            name,
            context.text(
                "trainer_case_button",
                company=case.client.company.of(context.language),
                mark=context.text(f"trainer_mark_{case.difficulty}"),
            ),
        )
        for name in library.case_names(scenario)
        for case in [library.load_case(scenario, name)]
    ]


def titles(language: str, scenario: str, case: str | None) -> tuple[str, str]:
    """Return the names of a scenario and of a case's company; their ids where this deployment lacks them."""
    try:
        name = library.load(scenario).info.name.of(language)
        company = library.load_case(scenario, case).client.company.of(language) if case else ""
    except KeyError:
        return scenario, case or ""
    return name, company


def draw_case(scenario: str, difficulty: str, recent: Collection[str], seed: str) -> str:
    """Return a case for a difficulty: of that difficulty and not played recently, where there is one.

    Raises:
        KeyError: there is no such scenario (any more).
    """
    library.load(scenario)
    cases = {name: library.load_case(scenario, name) for name in library.case_names(scenario)}
    wishes: list[Callable[[str, Case], bool]] = [
        lambda name, case: case.difficulty == difficulty and name not in recent,
        lambda name, _: name not in recent,
        lambda _name, case: case.difficulty == difficulty,
        lambda _name, _case: True,
    ]
    chosen = ([name for name, case in cases.items() if wish(name, case)] for wish in wishes)
    fitting = next(found for found in chosen if found)
    return random.Random(seed).choice(fitting)  # noqa: S311 - no secret, the same one for a second tap


def weakest_type(language: str, scenario: str, points: Mapping[str, int]) -> str:
    """Return the name of the type with the smallest share of the points that it can give."""
    try:
        types = library.load(scenario).types
    except KeyError:  # gone from this deployment
        return "—"
    weakest = min(types, key=lambda one: points.get(one.id, 0) / (one.weight * one.cap))
    return f"{weakest.emoji} {weakest.name.of(language)}"


def start_assigned(
    context: UpdateContext,
    scenario: str,
    case: str,
    mode: str,
    difficulty: str,
    *,
    task_id: int,
    again: str,
    replace: bool,
) -> tuple[Text, Keyboard]:
    """Start the training of a task, or ask first where another one is open.

    Args:
        again: callback data of the button that drops the open training and starts this one.

    Raises:
        KeyError: there is no such scenario or case (any more).
    """
    loaded, loaded_case = library.load(scenario), library.load_case(scenario, case)
    started = setup.begin(
        context, loaded, loaded_case, None, difficulty, mode=mode, replace=replace, task_id=task_id
    )
    if started["outcome"] == "no_access":
        return setup.no_access(context, setup.overview(context))
    if started["outcome"] == "no_attempts":
        return setup.no_attempts(context, loaded)
    training = started["training"]
    if started["outcome"] == "open" and not setup.is_same(training, loaded_case, None, difficulty, mode):
        rows = [
            [(context.text("trainer_resume_button"), "train:resume")],
            [(context.text("trainer_replace_button"), again)],
        ]
        return briefing.open_training(context, training), rows
    return briefing.start(context, loaded, loaded_case, training), briefing.buttons(context, training)
