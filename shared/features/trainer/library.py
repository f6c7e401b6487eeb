"""Loads scenarios and cases from `scenarios/<scenario>/`, each file once a process."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from shared.features.trainer.scenario_models import Case, Model, Scenario

_Model = TypeVar("_Model", bound="Model")

FOLDER = Path(__file__).parent / "scenarios"


class InvalidScenario(ValueError):
    """A file of a scenario breaks its format; the message names the file."""


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """Return the ids of all scenarios, `spin` first."""
    found = sorted(path.parent.name for path in FOLDER.glob("*/scenario.toml"))
    return tuple(sorted(found, key=lambda name: name != "spin"))


@lru_cache(maxsize=16)
def load(name: str) -> Scenario:
    """Return a scenario.

    Raises:
        KeyError: there is none of this name.
        InvalidScenario: its file breaks the format.
    """
    from shared.features.trainer.scenario_models import Scenario

    if name not in names():
        raise KeyError(name)
    scenario = _read(FOLDER / name / "scenario.toml", Scenario)
    if scenario.info.id != name:
        raise InvalidScenario(f"{name}/scenario.toml: info.id is {scenario.info.id}")
    return scenario


@lru_cache(maxsize=16)
def case_names(scenario: str) -> tuple[str, ...]:
    """Return the ids of a scenario's cases."""
    return tuple(sorted(path.stem for path in (FOLDER / scenario / "cases").glob("*.toml")))


@lru_cache(maxsize=128)
def load_case(scenario: str, name: str) -> Case:
    """Return a case.

    Raises:
        KeyError: there is none of this name.
        InvalidScenario: its file breaks the format.
    """
    from shared.features.trainer.scenario_models import case_model

    if name not in case_names(scenario):
        raise KeyError(name)
    case = _read(FOLDER / scenario / "cases" / f"{name}.toml", case_model(load(scenario)))
    if case.id != name:
        raise InvalidScenario(f"{scenario}/cases/{name}.toml: id is {case.id}")
    return case


def case_words(case: Case, language: str) -> dict[str, str]:
    """Return what is public of a case, under the names by which texts and prompts know it."""
    return {
        "name": case.client.name.of(language),
        "position": case.client.position.of(language),
        "company": case.client.company.of(language),
        "size": case.client.size.of(language),
        "region": case.client.region.of(language),
        "product": case.product.name.of(language),
        "offer": case.product.offer.of(language),
        "public": case.situation.public.of(language),
    }


def _read(path: Path, model: type[_Model]) -> _Model:
    from pydantic import ValidationError

    try:
        return model.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise InvalidScenario(f"{path.relative_to(FOLDER)}: {error}") from error
