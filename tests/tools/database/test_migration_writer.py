"""`./switchboard migration`: what turns the database of the migrations into that of the schema files."""

import re
from pathlib import Path

import pytest

from tests.support import thorough
from tools.database import migration_files, migration_writer, schemas
from tools.database.errors import MigrationError

pytestmark = pytest.mark.database

CONFIG = """
[db.migrations]
schema_paths = ["./schemas/base.sql", "./schemas/tables", "./schemas/functions"]
"""
BASE = """\
do $$ begin
  if not exists (select from pg_roles where rolname = 'bot_backend') then
    create role bot_backend nologin;
  end if;
end $$;
create schema if not exists private;
"""
PEOPLE = """\
-- People.
create table public.people (
  id bigint generated always as identity primary key,
  name text,
  note text,
  check (name <> '')
);
comment on table public.people is 'People';
create index people_idx on public.people (name);
alter table public.people enable row level security;
revoke all on table public.people from anon, authenticated, service_role;
"""
GREET = """\
-- Greets a user.
create or replace function public.greet(p_name text) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$ select 'Hello ' || p_name $$;
revoke all on function public.greet from public, anon, authenticated;
grant execute on function public.greet to bot_backend;
comment on function public.greet is 'Greets a user';
"""


class Project:
    """A small supabase/ folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "config.toml").write_text(CONFIG)
        self.file("base.sql", BASE)
        self.file("tables/people.sql", PEOPLE)
        self.file("functions/greet.sql", GREET)

    def file(self, name: str, text: str) -> None:
        path = self.folder / "schemas" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def remove(self, name: str) -> None:
        (self.folder / "schemas" / name).unlink()

    def write(self, name: str) -> str:
        """The new migration without its first line; it makes what the schema files say."""
        written = migration_writer.write(name, self.folder)
        assert written is not None
        assert written.leftover == []
        reason, _, text = written.path.read_text().partition("\n")
        assert reason == f"-- {name.replace('_', ' ').capitalize()}."
        return text.strip()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_a_first_migration_is_the_schema_files_in_their_order(project: Project) -> None:
    assert project.write("first") == "\n\n".join(text.strip() for text in (BASE, PEOPLE, GREET))
    (path,) = (project.folder / "migrations").iterdir()
    assert re.fullmatch(r"20\d{12}_first\.sql", path.name)


def test_without_a_change_nothing_is_written(project: Project) -> None:
    project.write("first")
    assert migration_writer.write("second", project.folder) is None
    assert len(list((project.folder / "migrations").iterdir())) == 1


@thorough
def test_changes_of_a_table_are_single_statements(project: Project) -> None:
    project.write("first")
    changed = PEOPLE.replace(
        "name text,", "name text not null default 'x',\n  balance numeric(12, 2) not null default 0,"
    )
    changed = changed.replace("  note text,\n", "").replace(
        "check (name <> '')", "constraint named check (name > '')"
    )
    changed = changed.replace("'People'", "'Persons''s'").replace("(name);", "(name, id) where balance > 0;")
    changed += "grant select on table public.people to service_role;\n"
    changed += "alter table public.people set (fillfactor = 80);\n"
    changed += "create policy own on public.people for select to authenticated using (true);\n"
    project.file("tables/people.sql", changed)
    project.file("tables/plans.sql", "create table public.plans (name text primary key);\n")
    assert project.write("many_things").split("\n\n") == [
        "alter table public.people drop constraint people_name_check;",
        "alter table public.people add column balance numeric(12,2) default 0 not null;",
        "alter table public.people drop column note;",
        "create table public.plans (name text primary key);",
        "alter table public.people alter column name set default 'x'::text;",
        "alter table public.people alter column name set not null;",
        "alter table public.people add constraint named CHECK ((name > ''::text));",
        "drop index public.people_idx;",
        "CREATE INDEX people_idx ON public.people USING btree (name, id) WHERE (balance > (0)::numeric);",
        "create policy own on public.people as permissive for select to authenticated using (true);",
        "alter table public.people set (fillfactor=80);",
        "grant select on table public.people to service_role;",
        "comment on table public.people is 'Persons''s';",
    ]


def test_a_changed_function_comes_as_its_whole_file(project: Project) -> None:
    project.write("first")
    project.file("functions/greet.sql", GREET.replace("Hello", "Good day"))
    assert project.write("polite") == GREET.replace("Hello", "Good day").strip()


@thorough
def test_a_function_called_differently_is_dropped_first(project: Project) -> None:
    project.write("first")
    changed = GREET.replace("p_name text", "p_name text, p_title text default ''").replace(
        "|| p_name", "|| p_title"
    )
    project.file("functions/greet.sql", changed)
    assert project.write("titles") == f"drop function public.greet(p_name text);\n\n{changed.strip()}"
    again = changed.replace("returns text", "returns varchar")
    project.file("functions/greet.sql", again)
    assert (
        project.write("shorter")
        == f"drop function public.greet(p_name text, p_title text);\n\n{again.strip()}"
    )


@thorough
def test_objects_removed_from_the_schema_files_are_dropped(project: Project) -> None:
    project.write("first")
    project.remove("functions/greet.sql")
    project.remove("tables/people.sql")
    project.file("tables/other.sql", "create table public.other (id bigint primary key);\n")
    project.file(
        "functions/one.sql", "create function public.one() returns int language sql as 'select 1';\n"
    )
    assert project.write("anew").split("\n\n") == [
        "drop function public.greet(p_name text);",
        "drop table public.people;",
        "create table public.other (id bigint primary key);",
        "create function public.one() returns int language sql as 'select 1';",
    ]


@thorough
def test_a_new_row_is_added_and_a_changed_one_is_left_to_a_user(project: Project) -> None:
    plans = "create table public.plans (name text primary key, a_day int);\n"
    plans += "insert into public.plans values ('FREE', 25)"
    project.file("tables/plans.sql", f"{plans};\n")
    project.write("first")
    project.file("tables/plans.sql", f"{plans}, ('PRO', 1000);\n")
    assert '\'{"name": "PRO", "a_day": 1000}\'' in project.write("pro")
    project.file("tables/plans.sql", f"{plans.replace('25', '30')}, ('PRO', 1000);\n")
    written = migration_writer.write("more_for_free", project.folder)
    assert written is not None
    assert [difference.key.name for difference in written.leftover] == ["public.plans (FREE)"]
    assert written.path.read_text().strip() == "-- More for free."


def test_rows_follow_those_that_they_refer_to_and_have_no_generated_columns(project: Project) -> None:
    plans = "create table public.plans (name text primary key);\ninsert into public.plans values ('FREE')"
    prices = """\
create table public.a_prices (
  plan text primary key references public.plans, price int, doubled int generated always as (price * 2) stored
);
insert into public.a_prices (plan, price) values ('FREE', 0)"""
    project.file("tables/plans.sql", f"{plans};\n")
    project.file("tables/prices.sql", f"{prices};\n")
    project.write("first")
    project.file("tables/plans.sql", f"{plans}, ('PRO');\n")
    project.file("tables/prices.sql", f"{prices}, ('PRO', 10);\n")
    written = project.write("pro")
    assert written.index("into public.plans") < written.index("into public.a_prices")


def test_a_migration_later_than_now_is_followed(project: Project) -> None:
    (project.folder / "migrations").mkdir()
    (project.folder / "migrations" / "20991231000000_far.sql").write_text("-- Far.\n")
    project.write("first")
    assert (project.folder / "migrations" / "20991231000001_first.sql").exists()


def test_a_migration_that_postgres_refuses_is_not_written(project: Project) -> None:
    project.write("first")
    project.file("tables/people.sql", PEOPLE.replace("note text", "note bigint"))
    with pytest.raises(
        MigrationError, match=r"cannot be cast automatically(?s:.)*alter column note type bigint"
    ):
        migration_writer.write("numbers", project.folder)
    assert len(list((project.folder / "migrations").iterdir())) == 1


@pytest.mark.parametrize("name", ["Upper", "with space", "../up", ""])
def test_a_bad_name_is_refused_at_once(project: Project, name: str) -> None:
    with pytest.raises(MigrationError, match="lower case"):
        migration_writer.write(name, project.folder)


def test_a_schema_file_that_no_entry_names_is_an_error(project: Project) -> None:
    project.file("views/one.sql", "select 1")
    with pytest.raises(MigrationError, match=r"matches schemas/views/one\.sql; add one"):
        schemas.files(project.folder)


def test_an_entry_that_names_nothing_is_an_error(project: Project) -> None:
    project.remove("base.sql")
    with pytest.raises(MigrationError, match=r"nothing matches schema_paths entry '\./schemas/base\.sql'"):
        schemas.files(project.folder)


def test_a_new_migration_is_hashed_once_migrations_are_frozen(project: Project) -> None:
    project.write("first")
    assert migration_files.hashes(project.folder) == {}
    migration_files.freeze(project.folder)
    (first,) = migration_files.hashes(project.folder)
    project.file("tables/people.sql", PEOPLE.replace("name text,", "name text,\n  age integer,"))
    migration_writer.write("age", project.folder)
    assert sorted(migration_files.hashes(project.folder)) == sorted(
        f"migrations/{path.name}" for path in (project.folder / "migrations").glob("*.sql")
    )
    assert first in migration_files.hashes(project.folder)
