"""Checksums and kinds of statements."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.database import migration_files, statements
from tools.database.errors import StatementError
from tools.database.migration_files import Migration

TEXT = "-- Reason.\ncreate table a (b text default 'x -- y');\ncreate index on a (b);"


def migration(text: str) -> Migration:
    return Migration("20260101000001", "step", text)


@pytest.mark.parametrize("same", [
    "create table a (b text default 'x -- y'); create index on a (b)",
    "/* other */ create table a (\n  b text default 'x -- y'\n);\n\n\ncreate index on a (b);\n-- source:"
    " POST /mcp",
    "create table a(b text default 'x -- y');;create index on a(b)\r\n",
])  # fmt: skip
def test_comments_formatting_and_semicolons_do_not_count(same: str) -> None:
    assert statements.checksum(same) == statements.checksum(TEXT)


@pytest.mark.parametrize("other", [
    TEXT.replace("x -- y", "x -- z"), TEXT.replace("text", "int"),
    TEXT.replace("index on", "unique index on"),
    TEXT + "select 1", TEXT.replace("create table a", "create table ab"), "",
])  # fmt: skip
def test_everything_else_counts(other: str) -> None:
    assert statements.checksum(other) != statements.checksum(TEXT)


def test_the_text_of_a_function_counts_whole() -> None:
    text = "create function f() returns int language sql as $$ select {} $$"
    assert statements.checksum(text.format("1")) != statements.checksum(text.format("2"))
    assert statements.checksum(text.format("1 -- a")) != statements.checksum(text.format("1 -- b"))


@given(st.text(alphabet="äß€😀a", min_size=1, max_size=8), st.text(alphabet="äß€😀b", min_size=1, max_size=8))
def test_letters_of_any_length_are_cut_at_the_right_place(one: str, other: str) -> None:
    text = f"select '{one}', '{other}'"
    assert statements.checksum(text) == statements.checksum(f"-- {other}\nselect  '{one}' ,'{other}';")
    assert (statements.checksum(text) == statements.checksum(f"select '{other}', '{one}'")) is (one == other)


@pytest.mark.parametrize(
    "word", ["begin", "commit", "rollback", "savepoint a", "start transaction", "abort", "end"]
)
def test_a_migration_does_not_begin_or_end_transactions(word: str) -> None:
    with pytest.raises(StatementError, match=r"20260101000001_step, statement 2: .*not for migrations"):
        statements.read(migration(f"create table a (); {word}; create table b ()"))
    inside = migration(
        "do $$ begin perform 1; end $$; create procedure p() language plpgsql as 'begin commit; end'"
    )
    assert len(statements.read(inside)) == 2


@pytest.mark.parametrize(("text", "alone"), [
    ("create index concurrently i on a (b)", "create index concurrently"),
    ("create unique index concurrently if not exists i on a (b)", "create index concurrently"),
    ("drop index concurrently i", "drop index concurrently"),
    ("reindex index concurrently i", "reindex concurrently"),
    ("reindex (concurrently) table a", "reindex concurrently"),
    ("vacuum a", "vacuum"), ("vacuum (full) a", "vacuum"), ("cluster a", "cluster"),
    ("alter system set work_mem = '1MB'", "alter system"), ("create database x", "create database"),
    ("create index i on a (b)", ""), ("analyze a", ""), ("reindex table a", ""), ("drop index i", ""),
])  # fmt: skip
def test_statements_that_no_transaction_can_hold(text: str, alone: str) -> None:
    (found,) = statements.read(migration(text))
    assert found.alone == alone
    assert statements.is_transactional([found]) is (alone == "")
    if alone:
        with pytest.raises(StatementError, match="a migration of its own"):
            statements.read(migration(f"create table a (b int); {text}"))
        assert len(statements.read(migration(f"{text}; {text}"))) == 2


def test_an_index_knows_its_name() -> None:
    (found,) = statements.read(migration("create index concurrently users_name on users (name)"))
    assert found.index == "users_name"


def test_text_that_is_no_sql_names_its_line() -> None:
    with pytest.raises(StatementError, match="line 2"):
        statements.read(migration("select 1;\nselekt 2;"))


def test_every_migration_of_the_repository_can_be_read() -> None:
    for one in migration_files.migrations():
        assert statements.is_transactional(statements.read(one))
        assert len(statements.checksum(one.text)) == 64
