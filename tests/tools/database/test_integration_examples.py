"""The examples of docs/integration.md: run in their order, over SQL, the Python client and HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

import psycopg
import pytest

from tests.first_server import create_synced
from tools.database import schemas
from tools.database.embedded import Server
from tools.emulator.supabase_rest import RestServer, make_key

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:supabase")

PAGE = Path(__file__).parents[3] / "docs" / "integration.md"
SECRET = "a secret of this test, long enough"
ANY = "…"


class Example(NamedTuple):
    """A code block and the output that follows it."""

    language: str
    code: str
    output: Any


def examples() -> list[Example]:
    """Read the examples of the page."""
    found = re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    blocks = [block for block in found if block[0] != "text"]
    assert {language for language, _ in blocks[1::2]} == {"json"}, "each example needs its output"
    return [
        Example(language, code, json.loads(output))
        for (language, code), (_, output) in zip(blocks[::2], blocks[1::2], strict=True)
    ]


def differences(expected: Any, result: Any, where: str = "") -> list[str]:
    """Compare a result with what the page says; "…" stands for any value, as a key for any others."""
    if expected == ANY:
        return []
    if isinstance(expected, dict) and isinstance(result, dict):
        found = [
            fault
            for key, value in expected.items()
            if key != ANY
            for fault in differences(value, result.get(key, "missing"), f"{where}.{key}")
        ]
        more = set(result) - set(expected) if ANY not in expected else ()
        return [*found, *(f"{where}.{key} is not on the page" for key in sorted(more))]
    is_equal = type(expected) is type(result) and expected == result  # true is not 1
    return [] if is_equal else [f"{where}: {result!r} instead of {expected!r}"]


@pytest.fixture(scope="module")
def url(server: Server) -> Iterator[str]:
    """A migrated database, as its superuser."""
    owner_url = create_synced(server, "examples")
    schemas.seed(owner_url)
    yield server.url("examples", "supabase_admin")
    server.drop_database("examples")


def run_sql(url: str, statement: str) -> Any:
    """Run a statement as another service would, connected as service_role."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set role service_role")
        row = connection.execute(statement.encode()).fetchone()
        assert row
        return row[0]


def run_python(client: Any, code: str) -> Any:
    """Evaluate an expression that uses `client`."""
    return eval(code, {"client": client})


def run_http(base_url: str, key: str, text: str) -> Any:
    """Send the request that the page writes out."""
    head, _, body = text.partition("\n\n")
    first, *headers = head.replace("$SECRET_KEY", key).splitlines()
    method, path = first.split()
    pairs = dict(header.split(": ", 1) for header in headers)
    request = Request(base_url + path, body.strip().encode(), pairs, method=method)
    with urlopen(request, timeout=10) as response:
        return json.load(response)


def test_the_examples_give_the_outputs_of_the_page(url: str) -> None:
    from supabase import create_client  # half a second, which other workers need not spend

    faults = []
    key = make_key("service_role", SECRET)
    with RestServer(url, SECRET) as rest:
        client = create_client(rest.url, key)
        for example in examples():
            match example.language:
                case "sql":
                    result = run_sql(url, example.code)
                case "python":
                    result = run_python(client, example.code)
                case "http":
                    result = run_http(rest.url, key, example.code)
                case _:
                    raise AssertionError(f"an example in {example.language}")
            faults += [f"{example.code.strip()}\n  {fault}" for fault in differences(example.output, result)]
    assert faults == []


def test_each_way_to_call_has_an_example() -> None:
    assert {example.language for example in examples()} == {"sql", "python", "http"}


@pytest.mark.parametrize(
    ("expected", "result", "is_equal"),
    [
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": 1, ANY: ANY}, {"a": 1, "b": 2}, True),
        ({"a": ANY}, {"a": [1]}, True),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, False),
        ({"a": 1}, {}, False),
        (True, True, True),
        (True, None, False),
        (1, True, False),
    ],
)
def test_outputs_are_compared_strictly(expected: Any, result: Any, is_equal: bool) -> None:
    assert (differences(expected, result) == []) is is_equal
