"""Conventions of the schema files, checked in their text. Each failure says what to do."""

import json
import re
from pathlib import Path

import psycopg
import pytest
from pglast.parser import parse_plpgsql_json

from tests.support import for_each
from tools.database import contracts, headers, migration_files, released

SUPABASE = Path(__file__).parents[3] / "supabase"
SCHEMAS = SUPABASE / "schemas"
ERROR_CODES = Path(__file__).parents[3] / "docs" / "error_codes.md"

ALL_FILES = sorted(SCHEMAS.rglob("*.sql"))
FUNCTION_FILES = sorted([*SCHEMAS.glob("functions/**/*.sql"), *SCHEMAS.glob("base/**/*.sql")])
TABLE_FILES = sorted(SCHEMAS.glob("tables/**/*.sql"))

CREATE_FUNCTION = re.compile(r"^create (?:or replace )?(?:function|procedure) ([\w.]+)\s*\(", re.MULTILINE)
CREATE_TABLE = re.compile(r"^create (?:unlogged )?table (?:if not exists )?([\w.]+)", re.MULTILINE)
CODE = re.compile(r"(?:errcode\s*=\s*|raise sqlstate\s+)'(\w{5})'")
CODE_WORD = re.compile(r"\b(?=[A-Z0-9]*[0-9])[A-Z0-9]{5}\b")
PRIVATE_TYPE = re.compile(r"(\breturns |\bv_[a-z0-9_]{1,60} )private\.[a-z0-9_]{1,60}(?=[;\s])")
TIME = re.compile(
    r"\b(?:now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\(|"
    r"\b(?:current_timestamp|current_date|current_time|localtimestamp|localtime)\b|'(?:now|today|tomorrow|yesterday)'",
    re.IGNORECASE,
)


def code(text: str) -> str:
    """The text without its comments."""
    return re.sub(r"--[^\n]*", "", text)


each_function_file = for_each("path", FUNCTION_FILES)
each_table_file = for_each("path", TABLE_FILES)
each_file = for_each("path", ALL_FILES)


def test_there_are_files_to_check() -> None:
    assert FUNCTION_FILES
    assert TABLE_FILES


@each_function_file
def test_a_file_holds_the_function_it_is_named_after(path: Path) -> None:
    names = [name.partition(".")[2] for name in CREATE_FUNCTION.findall(path.read_text())]
    assert names == [path.stem], "one function a file, and the file is called as the function"


@each_table_file
def test_a_file_holds_the_table_it_is_named_after(path: Path) -> None:
    names = [name.partition(".")[2] for name in CREATE_TABLE.findall(path.read_text())]
    assert names == [path.stem], "one table a file, and the file is called as the table"


def test_every_function_of_the_database_has_its_file(database: psycopg.Connection) -> None:
    query = (
        "select proname from pg_proc where pronamespace in ('public'::regnamespace, 'private'::regnamespace)"
    )
    names = {name for (name,) in database.execute(query)}
    assert names - {path.stem for path in FUNCTION_FILES} == set(), (
        "drop it in a migration, or give it a file"
    )


@each_function_file
def test_the_header_has_its_sections_in_order(path: Path) -> None:
    text = headers.comment(path.read_text())
    summary, sections = headers.split(text)
    assert summary, "begin the file with a comment: what the function does"
    assert tuple(sections) == headers.KEYS, f"write the sections {' '.join(headers.KEYS)} in this order"
    assert [key for key, content in sections.items() if not content.strip()] == [], "write `none.`"


@each_function_file
def test_the_header_names_the_type_that_the_function_returns(path: Path) -> None:
    function = headers.read(path)
    declared = function.returns.split("(")[0].strip()
    assert re.match(rf" {re.escape(declared)}(?![\w.])", function.sections["Returns:"]), (
        f"begin with `Returns: {declared}`"
    )


@each_function_file
def test_volatility_security_and_search_path_are_written_out(path: Path) -> None:
    text = code(path.read_text())
    before_body = text.partition("as $")[0]
    assert re.search(r"\b(volatile|stable|immutable)\b", before_body), "write volatile, stable or immutable"
    assert re.search(r"\bsecurity (definer|invoker)\b", before_body), (
        "write security definer or security invoker"
    )
    assert "set search_path = pg_catalog, pg_temp" in before_body, (
        "write set search_path = pg_catalog, pg_temp"
    )


@each_function_file
def test_rights_and_comment_are_in_the_file_of_the_function(path: Path) -> None:
    text = code(path.read_text())
    (name,) = CREATE_FUNCTION.findall(text)[:1] or [""]
    assert re.search(rf"^revoke all on function {re.escape(name)}\b", text, re.MULTILINE), (
        "revoke all on function … from public, anon, authenticated, service_role"
    )
    granted = re.search(rf"^grant execute on function {re.escape(name)}\b", text, re.MULTILINE)
    assert bool(granted) == name.startswith("public."), (
        "grant execute on a function of the API, and on no other"
    )
    assert re.search(rf"^comment on function {re.escape(name)}\b", text, re.MULTILINE), (
        "comment on function …"
    )


@each_table_file
def test_rights_and_row_level_security_are_in_the_file_of_the_table(path: Path) -> None:
    text = code(path.read_text())
    (name,) = CREATE_TABLE.findall(text)[:1] or [""]
    for statement in (f"alter table {name} enable row level security", f"revoke all on table {name} from"):
        assert statement in text, "write it beside the table"


@each_file
def test_only_the_clock_reads_the_time(path: Path) -> None:
    if path.name == "clock.sql":
        return
    assert TIME.findall(code(path.read_text())) == [], "use private.clock(), which a test can move"


@each_file
def test_variables_begin_with_v(path: Path) -> None:
    text = path.read_text()
    if "language plpgsql" not in text:
        return
    # The parser knows no types of other schemas than public.
    functions = json.loads(parse_plpgsql_json(PRIVATE_TYPE.sub(r"\1record", text)))
    declared = {
        datum["refname"]
        for function in functions
        for kinds in function.get("PLpgSQL_function", {}).get("datums", [])
        for kind, datum in kinds.items()
        if kind in ("PLpgSQL_var", "PLpgSQL_rec") and datum.get("lineno", 0) > 0
    }
    wrong = {name for name in declared if not name.startswith(("v_", "__Case__"))} - {"sqlstate", "sqlerrm"}
    assert wrong == set(), "call a variable v_…: a bare name may also be a column"


@each_function_file
def test_error_codes_are_announced_and_registered(path: Path) -> None:
    text = path.read_text()
    raised = set(CODE.findall(text))
    announced = set(CODE_WORD.findall(headers.read(path).sections["Errors:"]))
    assert raised - announced == set(), "name the code in the header, under Errors:"
    registered = set(CODE_WORD.findall(ERROR_CODES.read_text())) if ERROR_CODES.exists() else set()
    assert (raised | announced) - registered == set(), (
        "add the code to docs/error_codes.md, with what Python makes of it"
    )


@each_function_file
def test_error_codes_cannot_be_mistaken_for_those_of_others(path: Path) -> None:
    # F, H, P, X begin codes of Postgres and its foreign data wrappers; digits and A to H are the standard's.
    # Of these 40001 alone is meant as the standard means it: the same call once more.
    wrong = {
        found
        for found in CODE.findall(path.read_text())
        if not re.fullmatch(r"[I-OQ-WYZ][A-Z0-9]{4}|40001", found)
    }
    assert wrong == set(), "begin a code of our own with I to Z, except P and X"


def test_released_migrations_are_as_they_were() -> None:
    known = migration_files.hashes()
    if not known:
        pytest.skip(
            "nothing is released yet: ./switchboard database freeze writes supabase/migrations.sha256"
        )
    now = migration_files.digests()
    changed = sorted(name for name, digest in known.items() if now.get(name) != digest)
    assert changed == [], "an applied migration never changes: restore it, and write a new one"
    assert sorted(now) == sorted(known), "run ./switchboard database freeze and commit the file"


def test_migrations_come_after_those_of_main() -> None:
    main = released.hashes()
    if main is None:
        pytest.skip("this clone does not know origin/main")
    assert released.problems(migration_files.digests(), main) == []


def test_migrations_have_different_versions_and_begin_with_their_reason() -> None:
    for path in sorted((SUPABASE / "migrations").glob("*.sql")):
        assert re.fullmatch(r"\d{14}_[a-z0-9_]+\.sql", path.name), (
            f"{path.name}: 14 digits, _, a lower case name"
        )
        first = path.read_text().partition("\n")[0]
        assert re.match(r"-- \w", first), f"{path.name}: the first line is a comment with the reason"


def test_migrations_take_away_only_what_is_unused() -> None:
    found = [
        f"{one}.sql:{finding}" for one in migration_files.migrations() for finding in contracts.check(one)
    ]
    assert found == [], "\n".join(found)


@each_function_file
def test_a_json_variable_begins_with_json(path: Path) -> None:
    texts = re.findall(r"^ +v_\w+ jsonb? := '[^']*';", path.read_text(), re.MULTILINE)
    assert texts == [], "cast it ('[]'::jsonb): the linter of the Supabase CLI refuses a text"


@each_function_file
def test_rows_that_are_locked_up_to_a_limit_come_from_a_common_table_expression(path: Path) -> None:
    text = code(path.read_text())
    for found in re.finditer("skip locked", text):
        before, subquery = around_bracket(text, found.start())
        assert "limit" not in subquery or not re.search(r"\b(using|in)\s*$", before), (
            "a plan may run a subquery again for each row, and then more rows than its limit are taken: "
            "`with old as (…)`"
        )


def around_bracket(text: str, position: int) -> tuple[str, str]:
    """Return the text before the innermost open bracket, and from there to the position."""
    depth = 0
    for index in range(position, -1, -1):
        depth += (text[index] == ")") - (text[index] == "(")
        if depth < 0:
            return text[:index], text[index:position]
    return "", text[:position]
