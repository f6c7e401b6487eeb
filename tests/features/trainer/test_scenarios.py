"""The scenarios and cases: their format, the score, and that every rank and badge can be reached."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from pydantic import ValidationError

from shared.core import texts
from shared.features.trainer import library
from shared.features.trainer.scenario_models import Case, Scenario, case_model
from tests.support import for_each
from tools.scenarios import __main__ as scenarios
from tools.scenarios.reachability import score, unreachable

NAMES = library.names()
CASES = [(name, case) for name in NAMES for case in library.case_names(name)]
LONGEST_MESSAGE = 4096  # characters of Telegram


def cases_of(name: str) -> list[Case]:
    return [library.load_case(name, case) for case in library.case_names(name)]


def without(model: Any, *path: str) -> dict[str, Any]:
    """Return a file's content without one key."""
    content: dict[str, Any] = model.model_dump(by_alias=True)
    part = content
    for key in path[:-1]:
        part = part[key]
    del part[path[-1]]
    return content


@pytest.mark.parametrize("name", NAMES)
def test_a_badge_has_the_same_name_in_results_and_in_the_list_of_badges(name: str) -> None:
    for badge in library.load(name).badges:
        for code in texts.codes():
            assert badge.name.of(code) == texts.text(code, f"badge_{badge.id}")


def test_a_second_scenario_is_only_a_folder() -> None:
    assert NAMES[0] == "spin"
    assert len(NAMES) >= 2
    assert all(len(library.case_names(name)) >= 3 for name in NAMES)
    assert len(library.case_names("spin")) >= 12


@pytest.mark.parametrize("name", NAMES)
def test_every_file_is_right(name: str) -> None:
    assert scenarios.check(name) == []


def test_the_example_of_the_seed_scores_185() -> None:
    counts = {"situation": 2, "problem": 3, "implication": 2, "need_payoff": 1}
    assert score(library.load("spin"), counts, contextual=3, chains=0, is_ordered=True) == 185


@pytest.mark.parametrize("name", NAMES)
def test_a_rank_above_the_highest_score_is_found(name: str) -> None:
    scenario = library.load(name)
    content = scenario.model_dump(by_alias=True)
    content["ranks"].append({"id": "legend", "from": 900, "name": {"en": "Legend", "ru": "Легенда"}})
    content["badges"].append(
        {"id": "impossible", "when": [["best_score", ">=", 900]], "name": {"en": "No", "ru": "Нет"}}
    )
    assert unreachable(Scenario.model_validate(content), cases_of(name)) == [
        "badge impossible",
        "rank legend",
    ]


def test_an_unknown_key_is_refused() -> None:
    content = library.load("spin").model_dump(by_alias=True)
    content["rules"]["max_xп"] = 5  # a Cyrillic letter
    with pytest.raises(ValidationError, match="max_xп"):
        Scenario.model_validate(content)


@pytest.mark.parametrize(
    ("path", "message"),
    [(("rules", "min_questions"), "min_questions"), (("tips", "problem"), "every type")],
)
def test_a_missing_part_is_refused(path: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Scenario.model_validate(without(library.load("spin"), *path))


def test_a_case_lacks_no_fact_of_the_stages() -> None:
    content = library.load_case("spin", library.case_names("spin")[0]).model_dump()
    del content["hidden"][0]["cost"]
    with pytest.raises(ValidationError, match="cost"):
        case_model(library.load("spin")).model_validate(content)


@pytest.mark.parametrize(
    "path", [(), ("client",), ("facts", 0), ("hidden", 0), ("hidden", 0, "cost"), ("hidden", 0, "touched_by")]
)
def test_an_unknown_key_of_a_case_is_refused(path: tuple[str | int, ...]) -> None:
    content = found = library.load_case("spin", library.case_names("spin")[0]).model_dump()
    for step in path:
        found = found[step]  # type: ignore[index]
    found["secret"] = {"en": "No", "ru": "Нет"}
    with pytest.raises(ValidationError, match="secret"):
        case_model(library.load("spin")).model_validate(content)


@for_each("case", CASES)
def test_a_briefing_fits_into_a_message(case: tuple[str, str]) -> None:
    found = library.load_case(*case)
    for language in ("en", "ru"):
        client, product = found.client, found.product
        words = [client.company, client.size, client.region, client.name, client.position]
        words += [product.name, product.offer, found.situation.public]
        # A drill of the last type lists all that is known before it.
        stages = library.load(case[0]).stages[:-1]
        words += [item.fact(name) for item in found.hidden for stage in stages for name in stage.facts]
        assert sum(len(one.of(language)) for one in words) + 600 < LONGEST_MESSAGE


@for_each("name", NAMES)
def test_patterns_take_linear_time(name: str) -> None:
    hostile = ("бы " * 3000, "what would " * 800, "если продолж " * 600, "a" * 6000, "how much " * 900)
    for type_ in library.load(name).types:
        for pattern in type_.patterns.all:
            compiled = re.compile(pattern)
            for text in hostile:
                started = time.perf_counter()
                compiled.search(text)
                assert time.perf_counter() - started < 0.25, f"{type_.id}: {pattern}"


def test_the_command_reports_faults(capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    assert scenarios.main(["check"]) == 0
    assert f"spin: {len(library.case_names('spin'))} cases" in capsys.readouterr().out
    monkeypatch.setattr(scenarios, "unreachable", lambda *_: ["rank legend"])
    assert scenarios.main(["check"]) == 1
    assert "spin/scenario.toml: rank legend cannot be reached" in capsys.readouterr().err
