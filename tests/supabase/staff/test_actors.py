"""Every function that acts for one of the staff refuses users without a role, whatever its other values."""

from __future__ import annotations

import psycopg
import pytest

from tests.supabase.admins.users import Sql, new_user

FUNCTIONS = """
  select p.proname as name, array_agg(format_type(t.type, null) order by t.place) as types
    from pg_proc as p cross join unnest(p.proargtypes) with ordinality as t (type, place)
   where p.pronamespace = 'public'::regnamespace and p.proargnames[1] = 'p_actor_id'
   group by p.oid, p.proname
"""
# Records what a call cost that its actor was allowed to begin, also after their role was taken away.
UNCHECKED = {"finish_assistance"}
# N0009: no role; 22023: a value of another form than the function reads. With null for everything, the form
# may be refused first, in many ways.
REFUSED = ("N0009", "22023")
# Values that pass the checks of form, so that a function comes as far as it can.
VALUES = {
    "bigint": "1",
    "integer": "1",
    "date": "2026-11-30",
    "text": "operator",
    "jsonb": "{}",
    "boolean": "true",
    "uuid": "00000000-0000-0000-0000-000000000001",
    "timestamp with time zone": "2026-11-30",
    "bytea": r"\\x00",
}


@pytest.mark.parametrize("role", [None, "banned"])
@pytest.mark.parametrize("others", ["null", "values"])
def test_functions_of_the_staff_refuse_users_without_a_role(
    sql: Sql, backend_url: str, role: str | None, others: str
) -> None:
    stranger = new_user(sql)
    if role == "banned":
        sql("insert into staff (user_id, role) values (%s, 'operator')", stranger)
        sql("update users set banned_at = now() where id = %s", stranger)
    functions = sql(FUNCTIONS)
    assert len(functions) > 60
    wrong = {}
    with psycopg.connect(backend_url, autocommit=True) as connection:
        for function in functions:
            given = [VALUES.get(one) if others == "values" else None for one in function["types"][1:]]
            marks = ", ".join(f"%s::{one}" for one in function["types"])
            try:
                connection.execute(f"select public.{function['name']}({marks})", [stranger, *given])
                outcome = "done"
            except psycopg.Error as error:
                outcome = error.sqlstate or ""
            if outcome == "done" or (others == "values" and outcome not in REFUSED):
                wrong[function["name"]] = outcome
    assert wrong.keys() <= UNCHECKED, wrong
