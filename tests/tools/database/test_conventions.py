"""Conventions of the database, checked in its catalogue. Each failure says what to do.

Who may call and reach what is stated in supabase/tests (see test_pgtap.py).
"""

import re
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

SERVICES = Path(__file__).parents[3] / "docs" / "integration.md"

# Words for the questions below: what is ours, in schemas public and private.
VIEWS = """
    create temporary view functions as
    select p.oid::regprocedure::text as name, n.nspname as schema, p.*
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace
    where n.nspname in ('public', 'private') and not exists (
        select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
    );
    create temporary view relations as
    select c.oid::regclass::text as name, format('%s.%s', n.nspname, c.relname) as relation_name,
        n.nspname as schema, c.*
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('public', 'private');
    create temporary view tables as select * from relations where relkind in ('r', 'p');
    create temporary view columns as
    select format('%s.%s', t.name, a.attname) as name, a.attname,
        format_type(a.atttypid, null) as type
    from tables t
    join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
    where not t.relispartition;
    -- Callers of the Data API that are not us, and the role of our functions: none may reach a table.
    create temporary view outsiders as select unnest(array['anon', 'authenticated']) as role;
    create temporary view callers as select unnest(array['bot_backend', 'service_role']) as role;
    create temporary view untrusted as select role from outsiders union all select 'bot_backend';
"""

Ask = Callable[[str], list[str]]


@pytest.fixture
def ask(database: psycopg.Connection) -> Ask:
    """Returns the first column of what breaks a rule."""
    database.execute(VIEWS)
    return lambda query: [str(row[0]) for row in database.execute(query).fetchall()]


def test_there_are_functions_and_tables_to_check(ask: Ask) -> None:
    assert ask("select name from functions"), "no function: were the migrations applied?"
    assert ask("select name from tables")


def test_names_are_lower_case(ask: Ask) -> None:
    names = """
        select proname from functions where proname !~ '^[a-z][a-z0-9_]*$'
        union all select relname from tables where relname !~ '^[a-z][a-z0-9_]*$'
        union all select name from columns where attname !~ '^[a-z][a-z0-9_]*$'
    """
    assert ask(names) == [], "write the name in lower case letters, digits and _"


def test_parameters_begin_with_p(ask: Ask) -> None:
    unnamed = """
        select format('%s: %s', f.name, coalesce(p.name, 'one has no name'))
        from functions f
        -- What a caller gives: i in, b inout, v variadic. Without modes all are in.
        cross join lateral (
            select f.proargnames[i], coalesce(f.proargmodes[i], 'i')
            from generate_series(1, coalesce(cardinality(f.proallargtypes), f.pronargs)) i
        ) p (name, mode)
        where p.mode in ('i', 'b', 'v') and coalesce(p.name, '') !~ '^p_'
    """
    assert ask(unnamed) == [], "call the parameter p_…: a bare name would also match a column"


def test_no_function_is_overloaded(ask: Ask) -> None:
    overloaded = "select proname from functions group by schema, proname having count(*) > 1"
    assert ask(overloaded) == [], (
        "drop the old signature in the migration that makes the new one, or give the new function a name of"
        " its own; the Data API cannot call overloaded functions"
    )


def test_no_internal_function_is_a_security_definer(ask: Ask) -> None:
    definers = "select name from functions where schema = 'private' and prosecdef"
    assert ask(definers) == [], "write `security invoker`: it runs with the rights of the API function"


def test_functions_of_the_bots_may_not_make_temporary_objects(ask: Ask) -> None:
    makers = """
        select role from untrusted where has_database_privilege(role, current_database(), 'temporary')
    """
    assert ask(makers) == [], "revoke temporary on the database from public (supabase/schemas/roles.sql)"


def test_no_function_swallows_a_retryable_error(ask: Ask) -> None:
    """A handler for `others` begins by re-raising deadlocks, lock timeouts and the like."""
    body = "regexp_replace(prosrc, '--[^\\n]*', '', 'g')"
    pattern = r"when\s+others\s+then(?!\s+if\s+private\.is_retryable\(sqlstate\)\s+then\s+raise;)"
    swallowing = f"select name from functions where {body} ~* '{pattern}'"
    assert ask(swallowing) == [], (
        "name the conditions that it handles, or begin with `if private.is_retryable(sqlstate) then raise;`"
    )


@pytest.mark.parametrize(
    ("handler", "is_found"),
    [
        ("when others then null;", True),
        ("WHEN OTHERS THEN\n  get stacked diagnostics v = message_text;", True),
        ("when others then -- private.is_retryable(sqlstate)\n null;", True),
        ("when others then if private.is_retryable(sqlstate) then raise; end if; null;", False),
        ("when unique_violation then null;", False),
    ],
)
def test_a_swallowing_handler_is_found(
    database: psycopg.Connection, ask: Ask, handler: str, is_found: bool
) -> None:
    database.execute(
        "create function private.probe() returns void language plpgsql as "
        f"$$ declare v text; begin null; exception {handler} end $$"
    )
    if is_found:
        with pytest.raises(AssertionError, match="name the conditions"):
            test_no_function_swallows_a_retryable_error(ask)
    else:
        test_no_function_swallows_a_retryable_error(ask)


def test_every_function_and_table_says_what_it_is_for(ask: Ask) -> None:
    silent = """
        select name from functions where coalesce(obj_description(oid, 'pg_proc'), '') = ''
        union all
        select name from tables
        where not relispartition and coalesce(obj_description(oid, 'pg_class'), '') = ''
    """
    assert ask(silent) == [], "add `comment on …` in its schema file"


def test_everything_belongs_to_the_role_that_migrates(ask: Ask) -> None:
    strangers = """
        select name from functions where proowner <> 'postgres'::regrole
        union all select name from relations where relowner <> 'postgres'::regrole
    """
    assert ask(strangers) == [], "a security definer has the rights of its owner: that must be postgres"


def test_other_services_may_execute_what_is_documented_for_them(ask: Ask) -> None:
    allowed = """
        select proname from functions where has_function_privilege('service_role', oid, 'execute')
    """
    documented = re.findall(r"^\| `(\w+)\(", SERVICES.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(documented) == len(set(documented))
    assert sorted(ask(allowed)) == sorted(documented), (
        "docs/integration.md lists what service_role may execute: grant it there and nothing else"
    )


def test_no_caller_may_touch_a_table(ask: Ask) -> None:
    rights = """
        select format('%s: %s on %s', role, privilege, name)
        from relations, untrusted,
            unnest(array['select', 'insert', 'update', 'references', 'delete', 'truncate', 'trigger'])
                as privilege
        where relkind in ('r', 'p', 'v', 'm', 'f') and (
            has_table_privilege(role, oid, privilege)
            or case when privilege in ('select', 'insert', 'update', 'references')
                then has_any_column_privilege(role, oid, privilege) end
        )
    """
    assert ask(rights) == [], (
        "add `revoke all on table … from public, anon, authenticated` beside it (dated partitions too);"
        " what a caller needs is a function"
    )


def test_no_caller_may_touch_a_sequence(ask: Ask) -> None:
    rights = """
        select format('%s: %s on %s', role, privilege, name)
        from relations, untrusted, unnest(array['usage', 'select', 'update']) privilege
        where case when relkind = 'S' then has_sequence_privilege(role, oid, privilege) end
    """
    assert ask(rights) == [], (
        "add `revoke all on sequence … from public, anon, authenticated` beside the table:"
        " an identity column has one, and older projects grant it by default"
    )


def test_no_caller_may_make_anything_or_look_into_private(ask: Ask) -> None:
    rights = """
        select format('%s: %s in schema %s', role, privilege, schema)
        from (select role from untrusted union select role from callers) roles,
            (values ('public', 'create'), ('private', 'create'), ('private', 'usage')) s (schema, privilege)
        where has_schema_privilege(role, schema, privilege)
    """
    assert ask(rights) == [], "revoke it in supabase/schemas/roles.sql"


def test_views_ask_with_the_rights_of_the_caller(ask: Ask) -> None:
    definers = """
        select name from relations
        where relkind = 'v'
            and not coalesce(reloptions, '{}') && array['security_invoker=true', 'security_invoker=on']
            and schema in ('public', 'private')
            -- Its one reader may read no table; the next test says who that is.
            and relation_name <> 'public.legacy_users'
    """
    assert ask(definers) == [], "add `with (security_invoker = true)`: a view goes round row level security"


def test_services_may_read_one_view_and_no_other_table(ask: Ask) -> None:
    rights = """
        select format('%s: %s on %s', role, privilege, relation_name)
        from relations, (select role from untrusted union select role from callers) roles,
            unnest(array['select', 'insert', 'update', 'references', 'delete', 'truncate', 'trigger'])
                as privilege
        where relkind in ('r', 'p', 'v', 'm', 'f') and has_table_privilege(role, oid, privilege)
    """
    assert ask(rights) == ["service_role: select on public.legacy_users"], (
        "grant no role anything on a table or view; legacy_users is for SELECTs of old services"
    )


@pytest.mark.parametrize(
    ("type_name", "instead"),
    [
        ("real", "numeric: a float cannot hold 0.10"),
        ("double precision", "numeric: a float cannot hold 0.10"),
        ("money", "numeric: money depends on the server's locale"),
        ("timestamp without time zone", "timestamptz: a bare timestamp has no time zone"),
        ("time with time zone", "timestamptz: an offset without a date is no time zone"),
        ("json", "jsonb: it compares, indexes and drops duplicate keys"),
        ("character", "text with a check: char pads with blanks"),
    ],
)
def test_columns_have_types_without_traps(ask: Ask, type_name: str, instead: str) -> None:
    columns = f"select name from columns where type in ('{type_name}', '{type_name}[]')"
    assert ask(columns) == [], f"use {instead}"


def test_every_foreign_key_is_indexed(ask: Ask) -> None:
    unindexed = """
        select format('%s of %s', k.conname, t.name)
        from tables t
        join pg_constraint k on k.conrelid = t.oid
        where k.contype = 'f' and k.conparentid = 0 and not exists (
            select from pg_index i
            where i.indrelid = k.conrelid and i.indisvalid and i.indpred is null
                -- The key's columns, in any order, begin the index (an int2vector counts from 0).
                and (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey
        )
    """
    assert ask(unindexed) == [], (
        "add an index that begins with the key's columns: without it every delete over there scans this table"
    )


def test_every_table_has_a_primary_key(ask: Ask) -> None:
    keyless = """
        select name from tables where not relispartition and not exists (
            select from pg_index i where i.indrelid = tables.oid and i.indisprimary
        )
    """
    assert ask(keyless) == [], "add a primary key"
