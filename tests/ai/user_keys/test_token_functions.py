"""SQL functions of users' API keys: one active key, no plain text, concurrent calls."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg import sql as compose

from tests.support import in_parallel, new_telegram_id

Sql = Callable[..., list[dict[str, Any]]]
Call = Callable[..., Any]
CIPHERTEXT = base64.b64encode(b"\x01ciphertext").decode()


@pytest.fixture
def anna(sql: Sql) -> int:
    """Return the users.id of a new user."""
    return int(sql("insert into users (telegram_id) values (%s) returning id", new_telegram_id())[0]["id"])


def store(
    call: Call, user_id: int, provider: str, last_four: str = "1234", ciphertext: str = CIPHERTEXT
) -> str:
    return str(call("store_user_token", user_id, provider, ciphertext, "k1", last_four)["outcome"])


def active(sql: Sql, user_id: int) -> list[str]:
    rows = sql("select provider from user_tokens where user_id = %s and is_active", user_id)
    return [row["provider"] for row in rows]


def test_the_last_one_stored_is_used(sql: Sql, call: Call, anna: int) -> None:
    assert store(call, anna, "openai") == "stored"
    assert store(call, anna, "gemini") == "stored"
    assert active(sql, anna) == ["gemini"]
    assert store(call, anna, "openai", "5678") == "replaced"
    assert active(sql, anna) == ["openai"]
    listed = call("list_user_tokens", anna)
    assert [(row["provider"], row["last_four"], row["is_active"]) for row in listed] == [
        ("gemini", "1234", False),
        ("openai", "5678", True),
    ]


def test_a_list_never_holds_the_ciphertext(call: Call, anna: int) -> None:
    store(call, anna, "openai")
    (row,) = call("list_user_tokens", anna)
    assert set(row) == {
        "provider", "last_four", "key_id", "status", "is_active", "created_at", "checked_at",
    }  # fmt: skip
    assert CIPHERTEXT not in json.dumps(row)


def test_one_key_or_none_is_active(sql: Sql, call: Call, anna: int) -> None:
    store(call, anna, "openai")
    store(call, anna, "gemini")
    assert call("use_user_token", anna, "openai") == {"outcome": "chosen"}
    assert active(sql, anna) == ["openai"]
    assert call("use_user_token", anna, "github") == {"outcome": "unknown"}
    assert active(sql, anna) == ["openai"]
    assert call("use_user_token", anna) == {"outcome": "chosen"}
    assert active(sql, anna) == []


def test_removing_twice_is_no_error(sql: Sql, call: Call, anna: int) -> None:
    store(call, anna, "openai")
    assert call("remove_user_token", anna, "openai") == {"outcome": "removed"}
    assert call("remove_user_token", anna, "openai") == {"outcome": "unknown"}
    assert sql("select from user_tokens where user_id = %s", anna) == []


def test_only_the_rejected_key_is_disabled(sql: Sql, call: Call, anna: int) -> None:
    store(call, anna, "openai")
    newer = base64.b64encode(b"\x01another").decode()
    store(call, anna, "openai", "5678", newer)
    assert call("refuse_user_token", anna, "openai", CIPHERTEXT) == {"outcome": "unknown"}
    assert active(sql, anna) == ["openai"]
    assert call("refuse_user_token", anna, "openai", newer) == {"outcome": "refused"}
    assert call("refuse_user_token", anna, "openai", newer) == {"outcome": "refused"}
    assert active(sql, anna) == []
    assert call("list_user_tokens", anna)[0]["status"] == "refused"
    call("use_user_token", anna, "openai")
    assert (active(sql, anna), call("list_user_tokens", anna)[0]["status"]) == (["openai"], "ok")


@pytest.mark.parametrize("same", [True, False])
def test_of_keys_stored_concurrently_one_is_active_and_none_is_lost(
    sql: Sql, call: Call, anna: int, same: bool
) -> None:
    names = ["openai"] * 12 if same else [f"provider_{n}" for n in range(12)]
    outcomes = in_parallel(12, lambda n: store(call, anna, names[n]))
    assert outcomes.count("stored") == (1 if same else 12)
    assert len(active(sql, anna)) == 1
    assert len(call("list_user_tokens", anna)) == (1 if same else 12)


def test_concurrent_changes_leave_one_active_key_at_most(sql: Sql, call: Call, anna: int) -> None:
    store(call, anna, "openai")
    store(call, anna, "gemini")
    calls = [
        ("use_user_token", anna, "openai"),
        ("use_user_token", anna),
        ("store_user_token", anna, "gemini", CIPHERTEXT, "k1", "1234"),
        ("remove_user_token", anna, "openai"),
        ("refuse_user_token", anna, "gemini", CIPHERTEXT),
        ("store_user_token", anna, "openai", CIPHERTEXT, "k1", "1234"),
    ] * 4
    in_parallel(len(calls), lambda n: call(*calls[n]))
    assert len(active(sql, anna)) <= 1


@pytest.mark.parametrize(
    ("user", "provider", "ciphertext", "key_id", "last_four", "code"),
    [
        (-1, "openai", CIPHERTEXT, "k1", "1234", "K0001"),
        (None, "openai", CIPHERTEXT, "k1", "1234", "K0001"),
        (0, "Open AI", CIPHERTEXT, "k1", "1234", "K0002"),
        (0, None, CIPHERTEXT, "k1", "1234", "K0002"),
        (0, "openai", "no base64!", "k1", "1234", "K0002"),
        (0, "openai", None, "k1", "1234", "K0002"),
        (0, "openai", CIPHERTEXT, "", "1234", "K0002"),
        (0, "openai", CIPHERTEXT, "k1", "12345", "K0002"),
        (0, "openai", CIPHERTEXT, "k1", "sk-proj-1234567890", "K0002"),
    ],
)
def test_an_invalid_key_is_refused_without_repeating_it(
    call: Call, anna: int, user: Any, provider: Any, ciphertext: Any, key_id: str, last_four: str, code: str
) -> None:
    with pytest.raises(psycopg.Error) as caught:
        call("store_user_token", anna if user == 0 else user, provider, ciphertext, key_id, last_four)
    assert caught.value.sqlstate == code
    assert "sk-proj" not in f"{caught.value} {caught.value.diag.message_detail}"


def test_keys_are_erased_with_the_user(sql: Sql, call: Call, anna: int) -> None:
    store(call, anna, "openai")
    sql("delete from users where id = %s", anna)
    assert sql("select from user_tokens where user_id = %s", anna) == []


@pytest.mark.parametrize(
    ("role", "may"),
    [("bot_backend", True), ("service_role", False), ("anon", False), ("authenticated", False)],
)
def test_execute_rights(database_url: str, anna: int, role: str, may: bool) -> None:
    calls = (
        f"store_user_token({anna}, 'openai', '{CIPHERTEXT}', 'k1', '1234', true)",
        f"use_user_token({anna}, 'openai')",
        f"refuse_user_token({anna}, 'openai', '{CIPHERTEXT}')",
        f"list_user_tokens({anna})",
        f"remove_user_token({anna}, 'openai')",
    )
    for call in calls:
        assert _allowed(database_url, role, f"select public.{call}") is may
    for forbidden in (
        "select ciphertext from public.user_tokens",
        f"select private.active_token({anna})",
        f"select private.change_token({anna}, '{{}}')",
    ):
        assert not _allowed(database_url, role, forbidden)


def _allowed(database_url: str, role: str, statement: str) -> bool:
    with psycopg.connect(database_url) as connection:
        connection.execute(compose.SQL("set local role {}").format(compose.Identifier(role)))
        try:
            connection.execute(statement.encode())
        except psycopg.errors.InsufficientPrivilege:
            return False
        finally:
            connection.rollback()
    return True
