"""Runs an SQL function as a chosen role, with or without the right to call it."""

from __future__ import annotations

import json
import re
import time
from typing import Annotated, Any, Literal, get_args

import psycopg
from psycopg import sql
from pydantic import Field

from tools.database.errors import DatabaseToolError
from tools.emulator.control.bodies import Fields, NoFields, Refused
from tools.emulator.control.owner import OwnerDatabase
from tools.emulator.control.routes import Json, Route, Routes
from tools.emulator.control.tables import NO_DATABASE, shown
from tools.emulator.functions import ROOT
from tools.validation import Sentence

Role = Literal["bot_backend", "service_role", "anon"]
ROLES: tuple[str, ...] = get_args(Role)
TIMEOUT, LOCK_TIMEOUT = "10s", "3s"
MOST_ROWS = 200
CODES = ROOT / "docs" / "error_codes.md"
STANDARD = {
    "42501": "This role may not execute the function.",
    "57014": f"It took longer than {TIMEOUT} and was stopped.",
    "55P03": f"Another transaction held a lock for longer than {LOCK_TIMEOUT}.",
    "22P02": "An argument is not written as its type demands.",
    "42883": "There is no function with these arguments.",
}

LIST = """
select p.proname as name, format_type(p.prorettype, null) as returns, p.proretset as is_set,
    coalesce(obj_description(p.oid, 'pg_proc'), '') as comment, p.provolatile::text as volatility,
    array(select role from unnest(%s::text[]) role where has_function_privilege(role, p.oid, 'execute')),
    array(
        select jsonb_build_object(
            'name', p.proargnames[i], 'type', format_type(given.type, null),
            'required', i <= p.pronargs - p.pronargdefaults
        )
        from unnest(p.proargtypes::oid[]) with ordinality given (type, i)
        order by i
    )
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
where n.nspname = 'public' and p.prokind = 'f' and p.prorettype <> 'trigger'::regtype
    and not exists (
        select from pg_depend d
        where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
    )
order by p.proname
"""


class RunBody(Fields):
    """A call of a function."""

    function: str = Field("", description="its name")
    role: Annotated[Role, Sentence(f"A role is one of {', '.join(ROLES)}.")] = Field(
        "bot_backend", description="bot_backend, service_role or anon"
    )
    arguments: dict[str, Any] = Field(
        default_factory=dict, description="by name; what is left out has its default"
    )
    commit: bool = Field(True, description="false takes everything back afterwards")


class SqlFunctions:
    """`get` and `post` list the routes."""

    def __init__(self, owner: OwnerDatabase | None) -> None:
        self._owner = owner
        self.get: Routes = {"sql/functions": Route(NoFields, self._list)}
        self.post: Routes = {"sql/run": Route(RunBody, self._run)}

    def _list(self, query: NoFields) -> Json:
        """Return the public SQL functions with their arguments, and which roles may execute each."""
        with self._connect() as connection:
            return {"roles": list(ROLES), "functions": _functions(connection)}

    def _run(self, body: RunBody) -> Json:
        """Run a function in a transaction of its own; a refusal has its SQLSTATE and what that means."""
        with self._connect() as connection:
            function = next((one for one in _functions(connection) if one["name"] == body.function), None)
            if function is None:
                raise Refused("There is no such function.")
            statement, values = _call(function, body.arguments)
            return _result(connection, body.role, statement, values, body.commit)

    def _connect(self) -> psycopg.Connection:
        if self._owner is None:
            raise Refused(NO_DATABASE)
        try:
            return self._owner.connect()
        except (DatabaseToolError, psycopg.OperationalError) as error:
            raise Refused(str(error).strip()) from None


def meaning(code: str) -> str | None:
    """Return what an SQLSTATE means: from docs/error_codes.md, else for the usual ones of the standard."""
    if code in STANDARD:
        return STANDARD[code]
    row = re.search(rf"^\| {re.escape(code)} \|([^|]*)\|([^|]*)\|([^|]*)\|", CODES.read_text(), re.MULTILINE)
    return f"{row[2].strip()}; the caller: {row[3].strip()}" if row else None


def _functions(connection: psycopg.Connection) -> list[Json]:
    rows = connection.execute(LIST, [list(ROLES)]).fetchall()
    return [
        {
            "name": name,
            "returns": f"setof {returns}" if is_set else returns,
            "comment": comment,
            "is_read_only": volatility != "v",
            "roles": roles,
            "arguments": arguments,
        }
        for name, returns, is_set, comment, volatility, roles, arguments in rows
    ]


def _call(function: Json, given: Json) -> tuple[sql.Composed, list[Any]]:
    known = {one["name"]: one for one in function["arguments"]}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise Refused(f"{function['name']} has no argument {unknown[0]}.")
    missing = [name for name, one in known.items() if one["required"] and name not in given]
    if missing:
        raise Refused(f"{missing[0]} is required.")
    parts = [
        sql.SQL("{} => %s::{}").format(sql.Identifier(name), sql.SQL(known[name]["type"])) for name in given
    ]
    call = sql.SQL("select * from public.{}({})")
    statement = call.format(sql.Identifier(function["name"]), sql.SQL(", ").join(parts))
    return statement, [_value(value, known[name]["type"]) for name, value in given.items()]


def _value(value: Any, kind: str) -> Any:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list) and kind.endswith("[]"):
        return [None if one is None else one if isinstance(one, str) else json.dumps(one) for one in value]
    return json.dumps(value, ensure_ascii=False)


def _result(
    connection: psycopg.Connection, role: str, statement: sql.Composed, values: list[Any], commit: bool
) -> Json:
    began = time.perf_counter()
    try:
        with connection.transaction(force_rollback=not commit):
            connection.execute(f"set local statement_timeout = '{TIMEOUT}'".encode())
            connection.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'".encode())
            connection.execute(f"set local session authorization {role}".encode())
            cursor = connection.execute(statement, values)
            columns = [column.name for column in cursor.description or ()]
            rows = cursor.fetchmany(MOST_ROWS) if columns else []
    except psycopg.Error as error:
        return {"ok": False, "ms": _ms(began)} | _refusal(error)
    return {
        "ok": True,
        "columns": columns,
        "rows": [[shown(value) for value in row] for row in rows],
        "ms": _ms(began),
        "committed": commit,
    }


def _refusal(error: psycopg.Error) -> Json:
    code = error.sqlstate or ""
    return {
        "sqlstate": code or None,
        "message": error.diag.message_primary or str(error),
        "detail": error.diag.message_detail,
        "hint": error.diag.message_hint,
        "meaning": meaning(code),
    }


def _ms(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 2)
