"""The fake AI in the sales trainer: it labels by the scenario's patterns and plays the client from its notes.

So a training on the emulator goes as with a real model, without the charm.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tools.emulator.ai.dialects import Json

if TYPE_CHECKING:
    from shared.features.trainer.scenario_models import Case, Scenario

_ITEM = re.compile(r"^- (\w+): ", re.MULTILINE)


def label(messages: list[Json], _schema: Json) -> Json:
    """Label what the salesperson said, as a model would that follows the scenario's patterns."""
    from shared.features.trainer import classifier

    given = _object(messages[-1].get("content")) or {}
    text, last_answer = str(given.get("salesperson_says")), str(given.get("client_last_answer"))
    scenario, case = _case_of(str(messages[0].get("content")))
    found = classifier.label(scenario, case, text, last_answer)
    kind = "command" if found.kind == "instructions" else found.kind
    return {
        "kind": kind,
        "type": found.type,
        "alternative": classifier.NONE,
        "certainty": "high",
        "uses_client_words": bool(found.used_fragment),
        "used_fragment": _verbatim(found.used_fragment, last_answer),
        "touches": list(found.touches),
        "compound": found.is_compound,
        "about_instructions": found.kind == "instructions",
    }


def review(messages: list[Json], _schema: Json) -> Json:
    """Label the seller's lines of a real conversation by the patterns of the scenario."""
    from shared.features.trainer import classifier, library

    given = _object(messages[-1].get("content")) or {}
    listed = set(_ITEM.findall(str(messages[0].get("content"))))
    scenarios = [library.load(name) for name in library.names()]
    scenario = next(one for one in scenarios if one.review and {type_.id for type_ in one.types} <= listed)
    lines = []
    for line in given.get("lines", []):
        said, before = str(line["salesperson"]), str(line["client_before"])
        found = classifier.label(scenario, None, said, before)
        lines.append(
            {
                "number": line["number"],
                "kind": "question" if found.counts else "statement",
                "type": found.type,
                "alternative": classifier.NONE,
                "certainty": "high",
                "quote": said,
                "used_fragment": _verbatim(found.used_fragment, before),
            }
        )
    return {"lines": lines}


def client_answer(question: str) -> str | None:
    """Return what the client says to a request of the trainer; None for any other question."""
    given = _object(question)
    if given is None or not {"salesperson_says", "say_now", "evade"} <= given.keys():
        return None
    return " ".join(given["say_now"]) or str(given["evade"]) or "…"


def question(request: str) -> str | None:
    """Return what the salesperson asks in a training with reversed roles; None for any other request."""
    given = _object(request)
    if given is None or not {"client_says", "aim", "example"} <= given.keys():
        return None
    example, words = str(given["example"]), str(given["client_says"]).replace("?", " ").split()[:6]
    is_russian = re.search("[а-яё]", example, re.IGNORECASE)
    quoted = " ".join(words).strip(".,;:!")
    return f"Вы говорите: «{quoted}». {example}" if is_russian else f"You say: “{quoted}”. {example}"


def _case_of(prompt: str) -> tuple[Scenario, Case]:
    """Return the scenario and case whose items the prompt lists."""
    from shared.features.trainer import library

    listed = set(_ITEM.findall(prompt))
    for name in library.names():
        scenario = library.load(name)
        if not {one.id for one in scenario.types} <= listed:
            continue
        for number in library.case_names(name):
            case = library.load_case(name, number)
            if {one.id for one in case.subjects} <= listed:
                return scenario, case
    raise ValueError("the prompt is of no scenario and case")


def _verbatim(fragment: str, last_answer: str) -> str:
    """Return the first word of a fragment that stands in the client's answer, in the answer's letters."""
    for word in fragment.split():
        at = last_answer.lower().replace("ё", "е").find(word)
        if at >= 0:
            return last_answer[at : at + len(word)]
    return ""


def _object(text: Any) -> Json | None:
    try:
        found = json.loads(text)
    except (TypeError, ValueError):
        return None
    return found if isinstance(found, dict) else None
