"""Which changes `./switchboard mutate` makes, and that its list of survivors names mutants that exist."""

from __future__ import annotations

import pytest

from tests.mutation.__main__ import explained
from tests.mutation.areas import AREAS, FUNCTIONS
from tests.mutation.callers import counting
from tests.mutation.mutants import mutants

HEAD = "-- Counts to 10.\ncreate or replace function private.f(p_a integer default 1)\nas $$\n"
TAIL = "\n$$;\n\nrevoke all on function private.f from public;\n"


def changes(body: str) -> list[str]:
    """Return the changes of a function with this body."""
    return [mutant.change for mutant in mutants("f.sql", HEAD + body + TAIL)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("a < 5", ["< to <=", "5 to 6"]),
        ("a <= b", ["<= to <"]),
        ("a <> b", ["<> to ="]),
        ("v_a := 0;", ["0 to 1"]),
        ("x -> 'key' ->> 'other'", []),
        ("call(p_a => 2)", ["2 to 3"]),
        ("p_1 + v2", []),
        ("0.5 * a", ["0.5 to 0.51"]),
        ("-- a < 5 for all\na", []),
        ("'it''s 5 < 6'", []),
        ("status = 'open'", ["= to <>", "'open' to 'no such'"]),
        ("a is distinct from b", ["is distinct from to is not distinct from"]),
        ("a is not null", ["is not null to is null"]),
        ("return true;", ["true to false"]),
        ("now() - interval '48 hours'", ["48 to 49"]),
        ("raise exception 'it is 5' using errcode = 'Z0001';", []),
        ("update t set a = 1, b = c + 2 where d = 3;", ["1 to 2", "2 to 3", "= to <>", "3 to 4"]),
        ("update t set a = case when b = c then d end;", ["= to <>"]),
        (
            "insert into t values (1) on conflict (a, b) do nothing;",
            ["1 to 2", "on conflict … do nothing removed"],
        ),
        ("insert into t values (a) on conflict (a) do update set b = c where d > e;", ["> to >="]),
        ("a = b and c = d", ["= to <>", "= to <> (#2)"]),
    ],
)
def test_each_comparison_constant_and_conflict_clause_changes_once(body: str, expected: list[str]) -> None:
    assert changes(body) == expected


def test_a_mutant_differs_in_its_change_alone() -> None:
    (mutant,) = mutants("f.sql", f"{HEAD}if a < b then{TAIL}")
    assert mutant.text == f"{HEAD}if a <= b then{TAIL}"
    assert (mutant.line, mutant.name) == (4, "f.sql: if a < b then: < to <=")


@pytest.mark.parametrize(
    ("language", "body", "counted"),
    [
        ("sql", "select 1;", "select nextval('s');\nselect 1;"),
        ("plpgsql", "begin\nend", "declare\n  v_call constant bigint := nextval('s');\nbegin\nend"),
        (
            "plpgsql",
            "declare\n  v_a integer := f();\nbegin\nend",
            "declare\n  v_call constant bigint := nextval('s');\n  v_a integer := f();\nbegin\nend",
        ),
    ],
)
def test_a_function_counts_before_anything_else(language: str, body: str, counted: str) -> None:
    head = f"create function f()\nlanguage {language}\nas $$\n"
    assert counting(f"{head}{body}{TAIL}", "s") == f"{head}{counted}{TAIL}"


def test_each_area_has_functions_and_their_mutants_have_different_names() -> None:
    for area in AREAS.values():
        names = [
            mutant.name
            for file in area.files()
            for mutant in mutants(str(file.relative_to(FUNCTIONS)), file.read_text(encoding="utf-8"))
        ]
        assert len(names) > 20
        assert len(set(names)) == len(names)


def test_each_reason_is_for_a_mutant_that_exists() -> None:
    known = {
        mutant.name
        for area in AREAS.values()
        for file in area.files()
        for mutant in mutants(str(file.relative_to(FUNCTIONS)), file.read_text(encoding="utf-8"))
    }
    reasons = explained(list(AREAS))
    assert set(reasons) <= known, "the line has changed: run ./switchboard mutate again"
    assert all(len(reason) > 20 for reason in reasons.values())
