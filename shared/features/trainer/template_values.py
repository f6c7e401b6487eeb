"""Values of messages that SQL enqueues, by their names: a scenario, a case, a type of a question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core import texts
from shared.features.trainer import assigned, library
from shared.features.trainer.classifier import NONE

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject


def shown(language: str, value: JsonObject) -> str:
    """Return the name of {scenario}, {case, scenario} or {type, scenario}; an id if there is no name."""
    scenario, company = assigned.titles(language, value["scenario"], value.get("case"))
    if "case" in value:
        return company
    return type_name(language, value["scenario"], value["type"]) if "type" in value else scenario


def type_name(language: str, scenario: str, type_: str) -> str:
    """Return the name of a question type; of one that left the scenario, its id."""
    if type_ == NONE:
        return texts.text(language, "trainer_type_none")
    types = library.load(scenario).types if scenario in library.names() else []
    return next((one.name.of(language) for one in types if one.id == type_), type_)
