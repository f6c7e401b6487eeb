"""`GET /health` of each function: its connection pool's state; no secret needed, no database called."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest

from tests.support import eventually
from tools.emulator.stack import Stack

FUNCTIONS = ("telegram", "payments", "generations", "scheduled", "console")
FIGURES = {"pool_min", "pool_max", "pool_size", "pool_available", "requests_waiting"}


def get(stack: Stack, function: str, path: str = "/health", **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", stack.function(function).port, timeout=20)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        return answer.status, json.loads(body) if body.startswith(b"{") else body
    finally:
        connection.close()


def with_secret(stack: Stack) -> dict[str, str]:
    return {"Authorization": f"Bearer {stack.scheduler.secret}"}


def calls(stack: Stack, function: str) -> int:
    state = get(stack, function)[1]["pool"]
    return int(state["requests_num"]) if state else 0


@pytest.mark.parametrize("function", FUNCTIONS)
def test_health_reports_the_pool_without_a_database_call(stack: Stack, function: str) -> None:
    assert get(stack, function, **with_secret(stack))[0] == 200  # the pool exists now
    before = calls(stack, function)
    status, body = get(stack, function)
    assert (status, body["status"], body["circuit"]) == (200, "ok", "closed")
    assert set(body) == {"status", "circuit", "pool"}
    assert set(body["pool"]) >= FIGURES
    assert all(isinstance(figure, int) for figure in body["pool"].values())
    assert calls(stack, function) == before


@pytest.mark.parametrize("function", FUNCTIONS)
def test_health_with_the_secret_calls_the_database(stack: Stack, function: str) -> None:
    get(stack, function, **with_secret(stack))
    before = calls(stack, function)
    status, body = get(stack, function, **with_secret(stack))
    assert status == 200
    assert 0 < body["database"]["ms"] < 10_000
    assert body["pool"]["requests_num"] == before + 1


def test_health_with_a_wrong_secret_calls_no_database(stack: Stack) -> None:
    before = calls(stack, "telegram")
    status, body = get(stack, "telegram", Authorization="Bearer not-the-secret-of-jobs")
    assert (status, set(body)) == (200, {"status", "circuit", "pool"})
    assert calls(stack, "telegram") == before


@pytest.mark.parametrize("function", FUNCTIONS)
def test_health_contains_no_secret(stack: Stack, function: str) -> None:
    text = json.dumps([get(stack, function)[1], get(stack, function, **with_secret(stack))[1]])
    secrets = [value for name, value in stack.env.items() if "SECRET" in name or ("KEY" in name and value)]
    assert len(secrets) > 3
    for secret in [*secrets, "postgresql", "password", "127.0.0.1"]:
        assert secret not in text


def test_health_reports_a_lost_database_only_with_the_secret(stack: Stack) -> None:
    get(stack, "scheduled", **with_secret(stack))
    stack.database.down()
    assert get(stack, "scheduled")[0] == 200
    status, body = get(stack, "scheduled", **with_secret(stack))
    assert (status, body["status"]) == (503, "the database is unavailable")
    assert body["database"]["error"]
    assert get(stack, "scheduled")[1]["circuit"] == "open"
    stack.database.up()
    eventually(lambda: get(stack, "scheduled", **with_secret(stack))[0] == 200, 20)
    assert get(stack, "scheduled")[1]["circuit"] == "closed"


def test_health_below_the_function_path(stack: Stack) -> None:
    assert get(stack, "telegram", "/telegram/health")[0] == 200


def test_health_reports_an_invalid_setting(stack: Stack) -> None:
    with stack.settings(ENVIRONMENT="prod"):
        status, body = get(stack, "payments")
        assert (status, body) == (503, {"status": "a setting is invalid; see the log"})


@pytest.mark.parametrize("path", ["/healthy", "/health/x", "/a/b/health", "/"])
def test_health_answers_no_other_path(stack: Stack, path: str) -> None:
    assert get(stack, "scheduled", path)[0] == 405
