"""The functions of the quiz are for the functions alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Sql = Callable[..., list[dict[str, Any]]]


def test_only_the_backend_may_call_the_quiz(sql: Sql) -> None:
    functions = sql(
        "select p.oid::regprocedure::text as name, n.nspname as schema, "
        "has_function_privilege('anon', p.oid, 'execute') as anon, "
        "has_function_privilege('authenticated', p.oid, 'execute') as authenticated, "
        "has_function_privilege('service_role', p.oid, 'execute') as service, "
        "has_function_privilege('bot_backend', p.oid, 'execute') as backend "
        "from pg_proc p join pg_namespace n on n.oid = p.pronamespace "
        "where n.nspname in ('public', 'private') "
        "and (p.proname like '%%quiz%%' or p.proname = 'record_poll_answer')"
    )
    assert len(functions) >= 20
    for one in functions:
        assert not (one["anon"] or one["authenticated"] or one["service"]), one["name"]
        assert one["backend"] == (one["schema"] == "public"), one["name"]


def test_no_role_reads_the_tables(sql: Sql) -> None:
    tables = sql(
        "select c.oid::regclass::text as name, c.relrowsecurity as secured, "
        "bool_or(has_table_privilege(r.role, c.oid, 'select, insert, update, delete')) as reached "
        "from pg_class c "
        "cross join unnest(array['anon', 'authenticated', 'service_role', 'bot_backend']) as r (role) "
        "where c.relname like 'quiz_%%' and c.relkind = 'r' group by c.oid, c.relrowsecurity"
    )
    assert len(tables) == 11
    assert all(one["secured"] and not one["reached"] for one in tables)
