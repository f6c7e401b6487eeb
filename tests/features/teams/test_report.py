"""The file of a team's results: names that members choose run nothing in a spreadsheet."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from shared.core import texts
from shared.features.teams.report import table

TASK = {
    "assignment": {"scenario": "spin", "case_id": None, "mode": "practice", "difficulty": "easy"},
    "number": 1,
    "due_on": "2026-12-08",
    "state": "open",
    "best_score": None,
    "is_passed": None,
}


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=1+1", '"\'=1+1"'),
        ("\uff1d1+1", '"\'\uff1d1+1"'),
        ("Ann;=1+1", '"Ann;=1+1"'),  # a spreadsheet of another country separates by the other sign
        ("Ann,=1+1", '"Ann,=1+1"'),
        ('Ann";=1+1', '"Ann"";=1+1"'),
    ],
)
def test_a_name_begins_no_formula_in_the_file(language: str, name: str, cell: str) -> None:
    context = SimpleNamespace(
        language=language, text=lambda key, **values: texts.text(language, key, **values)
    )
    found = {"members": [{"name": name, "tasks": [TASK]}]}
    row = table(cast("Any", context), cast("Any", found)).splitlines()[1]
    assert row.startswith(cell + (";" if language == "ru" else ","))
