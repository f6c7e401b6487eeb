"""The view of the tables and running SQL functions: what is shown, what is hidden, what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.tools.emulator.control.conftest import Api
from tools.emulator.control.bodies import Refused
from tools.emulator.control.owner import OwnerDatabase
from tools.emulator.control.sql_functions import CODES, meaning
from tools.emulator.control.tables import READER, Tables
from tools.emulator.telegram import Chat

Owner = Callable[..., list[dict[str, Any]]]


def test_every_table_is_listed_and_can_be_read(api: Api, owner: Owner) -> None:
    tables = api.get("tables")["tables"]
    known = owner(
        "select format('%s.%s', n.nspname, c.relname) as name from pg_class c "
        "join pg_namespace n on n.oid = c.relnamespace "
        "where n.nspname in ('public', 'private') and c.relkind in ('r', 'p') and not c.relispartition"
    )
    assert {one["name"] for one in tables} == {one["name"] for one in known}
    for table in tables:
        page = api.get("tables/rows", table=table["name"], size=1)
        assert page["columns"] == [column["name"] for column in table["columns"]]
        assert len(page["rows"]) <= 1


def test_pages_order_and_filters(api: Api, control: Any, owner: Owner) -> None:
    names = [f"Page {number}" for number in range(5)]
    for name in names:
        owner(
            "insert into users (telegram_id, first_name) values (%s, %s)",
            control.telegram.state.new_id(),
            name,
        )
    query = {"table": "public.users", "column": "first_name", "op": "contains", "value": "PAGE ", "size": 2}
    first = api.get("tables/rows", **query, order="first_name", direction="asc")
    second = api.get("tables/rows", **query, order="first_name", direction="asc", page=2)
    third = api.get("tables/rows", **query, order="first_name", direction="asc", page=3)
    at = first["columns"].index("first_name")
    assert [row[at] for page in (first, second, third) for row in page["rows"]] == names
    assert [page["has_more"] for page in (first, second, third)] == [True, True, False]
    one = api.get("tables/rows", **(query | {"op": "eq", "value": "Page 3"}))
    assert [row[at] for row in one["rows"]] == ["Page 3"]
    assert api.get("tables/rows", table="public.users", column="id", op="lt", value=0)["rows"] == []


def test_secret_columns_are_neither_shown_nor_searched(api: Api, owner: Owner, anna: Chat) -> None:
    owner(
        "insert into user_tokens (user_id, provider, ciphertext, key_id, last_four) "
        "values ((select id from users where telegram_id = %s), 'openai', %s, 'k1', 'abcd')",
        anna.id,
        b"the secret bytes of a key",
    )
    page = api.get("tables/rows", table="public.user_tokens")
    row = dict(zip(page["columns"], page["rows"][0], strict=True))
    assert row["ciphertext"] == "encrypted"
    assert row["last_four"] == "abcd"
    for where in ("column", "order"):
        answer = api.pool.request(
            "GET",
            f"{api.stack.url}/api/tables/rows",
            fields={"table": "public.user_tokens", where: "ciphertext", "op": "gt", "value": "a"},
        )
        assert answer.status == 400
        assert "hidden" in answer.json()["error"]


def test_no_column_that_holds_a_secret_is_forgotten(api: Api) -> None:
    hidden = {
        f"{table['name']}.{column['name']}"
        for table in api.get("tables")["tables"]
        for column in table["columns"]
        if column["hidden"]
    }
    assert {
        "public.user_tokens.ciphertext", "private.erased_users.user_hash", "public.payments.saved_method",
        "public.renewals.saved_method",
    } <= hidden | {name.replace("public.", "private.") for name in hidden} | {
        name.replace("private.", "public.") for name in hidden
    }  # fmt: skip
    suspicious = re.compile("cipher|secret|password|token|hash|saved_method")
    for table in api.get("tables")["tables"]:
        for column in table["columns"]:
            is_count = column["type"] in ("integer", "bigint", "boolean", "numeric")
            if suspicious.search(column["name"]) and not is_count:
                assert column["hidden"], f"{table['name']}.{column['name']}"


@pytest.mark.parametrize("query", [
    {"table": "pg_catalog.pg_authid"},
    {"table": "public.users; drop table users"},
    {"table": "public.nothing"},
    {"table": "public.users", "column": "id; drop table users"},
    {"table": "public.users", "column": "id", "op": "or true"},
    {"table": "public.users", "column": "id", "op": "lt", "value": "x'; drop table users --"},
    {"table": "public.users", "order": "id desc; select 1"},
    {"table": "public.users", "size": "all"},
])  # fmt: skip
def test_a_query_that_makes_no_sense_is_refused(api: Api, query: Any) -> None:
    answer = api.pool.request("GET", f"{api.stack.url}/api/tables/rows", fields=query)
    assert answer.status == 400, answer.data
    assert answer.json()["error"]


def test_the_reader_can_change_nothing(api: Api, owner_url: str) -> None:
    api.get("tables")
    for statement in (
        "update public.users set balance = 1",
        "delete from public.orders",
        "create table public.mine (id int)",
        "select public.admin_overview('x')",
        "set role supabase_admin",
    ):
        with (
            psycopg.connect(owner_url, autocommit=True) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(f"set session authorization {READER}".encode())
            connection.execute(statement.encode())


def test_without_the_marker_no_database_is_touched(server: Any) -> None:
    url = server.create_database("somebodys")
    with psycopg.connect(server.url("somebodys", "supabase_admin"), autocommit=True) as connection:
        connection.execute("comment on database somebodys is null")
    tables = Tables(OwnerDatabase(url))
    with pytest.raises(Refused, match="marker"):
        tables.get["tables"]({})
    with pytest.raises(Refused, match="no connection"):
        Tables(None).get["tables"]({})
    server.drop_database("somebodys")


def test_functions_are_listed_with_their_arguments_and_callers(api: Api) -> None:
    listed = api.get("sql/functions")
    assert listed["roles"] == ["bot_backend", "service_role", "anon"]
    functions = {one["name"]: one for one in listed["functions"]}
    stats = functions["get_user_usage_stats"]
    assert stats["arguments"][0] == {"name": "p_user_id", "type": "bigint", "required": True}
    assert stats["roles"] == ["bot_backend", "service_role"]
    assert stats["comment"]
    order = {one["name"]: one["required"] for one in functions["create_order"]["arguments"]}
    assert (order["p_user_id"], order["p_renews"]) == (True, False)
    assert not [one for one in listed["functions"] if "anon" in one["roles"]]


def test_a_function_runs_as_a_role_and_is_rolled_back_on_request(api: Api, owner: Owner, anna: Chat) -> None:
    call: dict[str, Any] = {
        "function": "adjust_balance",
        "role": "service_role",
        "arguments": {
            "p_telegram_id": anna.id,
            "p_amount": "5.00",
            "p_reason": "a test",
            "p_reference": "test:1",
        },
    }

    def balance() -> float:
        return float(owner("select balance from users where telegram_id = %s", anna.id)[0]["balance"])

    tried = api.post("sql/run", **call, commit=False)
    assert (tried["ok"], tried["committed"], balance()) == (True, False, 0.0)
    done = api.post("sql/run", **call)
    assert (done["ok"], done["committed"], balance()) == (True, True, 5.0)
    assert done["columns"] == ["adjust_balance"]
    (user,) = owner("select id from users where telegram_id = %s", anna.id)
    stats = api.post("sql/run", function="get_user_usage_stats", arguments={"p_user_id": user["id"]})
    assert stats["rows"][0][0]


def test_a_refusal_has_its_code_and_its_meaning(api: Api, anna: Chat) -> None:
    call = {"p_telegram_id": anna.id, "p_amount": -5, "p_reason": "too much", "p_reference": "test:2"}
    refused = api.post("sql/run", function="adjust_balance", role="service_role", arguments=call)
    assert (refused["ok"], refused["sqlstate"]) == (False, "L0002")
    assert refused["meaning"] == meaning("L0002")
    forbidden = api.post("sql/run", function="adjust_balance", role="anon", arguments=call)
    assert (forbidden["ok"], forbidden["sqlstate"]) == (False, "42501")
    assert "may not execute" in forbidden["meaning"]
    wrong = api.post("sql/run", function="get_user_usage_stats", arguments={"p_user_id": "many"})
    assert (wrong["ok"], wrong["sqlstate"]) == (False, "22P02")


@pytest.mark.parametrize(("body", "words"), [
    ({"function": "pg_sleep", "arguments": {}}, "no such function"),
    ({"function": "get_user_usage_stats(1); drop table users; --"}, "no such function"),
    ({"function": "get_user_usage_stats"}, "p_user_id is required"),
    ({"function": "get_user_usage_stats", "arguments": {"p_x": 1}}, "no argument p_x"),
    ({"function": "get_user_usage_stats", "role": "postgres", "arguments": {"p_user_id": 1}}, "role is one"),
    ({"function": "get_user_usage_stats", "role": "supabase_admin", "arguments": {}}, "role is one"),
    ({"function": "get_user_usage_stats", "arguments": [1]}, "must be an object"),
])  # fmt: skip
def test_a_call_that_makes_no_sense_is_refused(api: Api, body: Any, words: str) -> None:
    assert words in api.refused("sql/run", **body)


def test_every_documented_code_has_a_meaning() -> None:
    codes = re.findall(r"^\| ([A-Z0-9]{5}) \|", CODES.read_text(), re.MULTILINE)
    assert len(codes) > 20
    assert all(meaning(code) for code in codes)
    assert meaning("99999") is None
