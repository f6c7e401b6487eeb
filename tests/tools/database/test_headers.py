"""The notation of result shapes in the headers of SQL functions."""

from pathlib import Path
from typing import Any

import pytest

from tools.database import headers
from tools.database.errors import HeaderError
from tools.database.shapes import parse

FUNCTION = """-- Does something.
--
-- Concurrency: only reads.
-- Locks: none.
-- Returns: jsonb
{block}
-- Errors: none.
create or replace function {name}(p_user_id bigint)
returns jsonb
language sql
"""


def shapes(tmp_path: Path, **blocks: str) -> headers.Shapes:
    """The shapes of functions `public.<key>`, whose `Returns:` sections are given."""
    folder = tmp_path / "schemas" / "functions" / "area"
    folder.mkdir(parents=True)
    for key, block in blocks.items():
        lines = "\n".join(f"--   {line}" for line in block.splitlines())
        (folder / f"{key}.sql").write_text(FUNCTION.format(name=f"public.{key}", block=lines))
    return headers.Shapes(headers.functions(tmp_path))


WORK = """outcome: 'work' | 'busy'   (a note, with (brackets) that
                            goes on: here)
retry_after?: int
user: { id: bigint, name: text | null }
prices: { [text]: numeric }
history: [ { role: text, at: timestamptz } ]"""
RESULT: dict[str, Any] = {
    "outcome": "work",
    "user": {"id": 1, "name": None},
    "prices": {"USD": "1.50"},
    "history": [{"role": "user", "at": "2026-11-21T20:59:59.123456+00:00"}],
}


def test_a_result_that_matches_has_no_faults(tmp_path: Path) -> None:
    assert shapes(tmp_path, work=WORK).faults("public.work", RESULT) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"outcome": "dead"}, "public.work.outcome: 'dead' is none of the types declared"),
        ({"retry_after": "3"}, "public.work.retry_after: '3' is no int"),
        ({"retry_after": True}, "public.work.retry_after: True is no int"),
        ({"more": 1}, "public.work.more: is not declared"),
        ({"user": {"name": "Anna"}}, "public.work.user.id: is missing"),
        ({"prices": {"USD": 1.5}}, "public.work.prices['USD']: 1.5 is no numeric"),
        (
            {"history": [{"role": "user", "at": "today"}]},
            "public.work.history[0].at: 'today' is no timestamptz",
        ),
    ],
)
def test_a_fault_names_function_and_key(tmp_path: Path, change: dict[str, Any], fault: str) -> None:
    assert shapes(tmp_path, work=WORK).faults("public.work", RESULT | change) == [fault]


def test_a_spread_shape_gives_its_keys_and_a_written_one_wins(tmp_path: Path) -> None:
    found = shapes(
        tmp_path,
        card="{ outcome: text, id: bigint } | null",
        opened="outcome: 'reused' | 'gone'\n...?public.card",
        cards="[ public.card ]",
    )
    assert found.faults("public.opened", {"outcome": "gone"}) == []
    assert found.faults("public.opened", {"outcome": "reused", "id": "7"}) == [
        "public.opened.id: '7' is no bigint"
    ]
    assert found.faults("public.cards", [{"outcome": "new", "id": 7}, None]) == []


@pytest.mark.parametrize(
    "block", ["id: number", "id:", "id: [ int", "{ id: int", "id: int (note", "[ int ] int"]
)
def test_a_mistake_in_the_notation_is_refused(block: str) -> None:
    with pytest.raises(HeaderError):
        parse(block)


def test_every_shape_in_the_schema_files_can_be_read() -> None:
    found = headers.Shapes()
    for name, function in found.functions.items():
        if function.shape is not None:
            found.check_references(name)
