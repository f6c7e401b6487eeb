"""Queries and bodies of the HTTP API: what does not fit is refused with one sentence that names the field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import examples
from tools.emulator.control.bodies import Refused, read
from tools.emulator.control.routes import Route
from tools.emulator.control.users import GROUP_WANTED
from tools.emulator.reference import NOWHERE
from tools.emulator.stack import Stack
from tools.emulator.web import Request, Response

CANARY = "AAE-canary-of-a-secret"
# These start processes or call functions, which this stack does not have.
OUTSIDE = ("/api/restart", "/api/kill", "/api/jobs/<name>")
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.just(10**400), st.floats(), st.text(max_size=5),
    st.just(CANARY), st.sampled_from(["pay", "Anna", "assistant", "next", "text", "*"]),
)  # fmt: skip
GARBAGE = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@pytest.fixture(scope="module")
def offline() -> Iterator[Stack]:
    """A stack without functions and without a database."""
    stack = Stack(NOWHERE, {})
    stack.telegram.user("Anna")
    yield stack
    stack.stop()


def routes(stack: Stack) -> list[tuple[str, str, Route[Any]]]:
    return [one for one in stack.api.routes() if isinstance(one[2], Route)]  # type: ignore[misc]


def post(stack: Stack, path: str, body: bytes) -> Response:
    headers = {"host": f"127.0.0.1:{stack.server.port}", "content-type": "application/json"}
    response = stack.api.handle(Request("POST", path, "", headers, body))
    assert response is not None
    return response


def sentence(response: Response) -> str:
    assert response.status == 400, response.body
    assert isinstance(response.body, bytes)
    return str(json.loads(response.body)["error"])


def fields_of(route: Route[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from([*route.fields.model_fields, "no_field"]), GARBAGE, max_size=6)


@settings(max_examples=examples(30))
@given(data=st.data())
def test_garbage_is_refused_by_the_model_in_one_sentence(offline: Stack, data: st.DataObject) -> None:
    for _, path, route in routes(offline):
        body = data.draw(fields_of(route), label=path)
        try:
            read(route.fields, body)
        except Refused as refused:
            assert str(refused).endswith(".")
            assert len(str(refused).splitlines()) == 1
            assert CANARY not in str(refused)


@settings(max_examples=examples(60))
@given(data=st.data())
def test_garbage_never_fails_inside_a_handler(offline: Stack, data: st.DataObject) -> None:
    for method, path, route in routes(offline):
        if method == "POST" and path not in OUTSIDE:
            # No function answers here, so no route waits for one.
            values = {"user": "Anna", "timeout": 0}
            known = {name: value for name, value in values.items() if name in route.fields.model_fields}
            body = data.draw(fields_of(route), label=path)
            answer = post(offline, path, json.dumps(known | body).encode())
            assert answer.status in (200, 400), (path, body, answer.body)


def test_a_field_that_is_not_known_is_refused_by_every_route(offline: Stack) -> None:
    for _, path, route in routes(offline):
        with pytest.raises(Refused) as refused:
            read(route.fields, dict.fromkeys(route.fields.model_fields) | {"no_field": 1, "user": "Anna"})
        assert str(refused.value).endswith("."), path


@pytest.mark.parametrize(("path", "body", "words"), [
    ("edit", {"user": "Anna", "text": "x"}, "message_id is required."),
    ("edit", {"user": "Anna", "message_id": "first", "text": "x"}, "message_id must be a number."),
    ("edit", {"user": "Anna", "message_id": 1.5, "text": "x"}, "message_id must be a number."),
    ("edit", {"user": "Anna", "message_id": 1, "text": ["x"]}, "text must be text."),
    ("edit", {"user": "Anna", "message_id": 1, "text": "x", "txt": "y"}, "txt is no known field."),
    ("send", {"text": "x"}, "user is required."),
    ("send", {"user": {"id": 1}, "text": "x"}, "user must be text."),
    ("send", {"user": "Anna", "kind": "photo", "file": "x"}, "file must be an object."),
    ("send", {"user": "Anna", "kind": "photo", "file": {}}, "file.content is required."),
    ("send", {"user": "Anna", "kind": "album", "files": {}}, "files must be a list."),
    ("send", {"user": "Anna", "kind": "album", "files": [1, 2]}, "files[0] must be an object."),
    ("send", {"user": "Anna", "kind": "location", "latitude": "north"}, "latitude must be a number."),
    ("block", {"user": "Anna", "blocked": "perhaps"}, "blocked must be true or false."),
    ("react", {"user": "Anna", "message_id": 10**400}, "There is no such message in this chat."),
    ("users/archive", {"user": 10**400}, "There is no such user."),
    ("groups", {"title": "x", "members": "Anna"}, GROUP_WANTED),
    ("groups", {"title": "x", "members": []}, GROUP_WANTED),
    ("groups", {"title": "x", "members": [{}]}, "members[0] must be text."),
    ("groups/bot", {"group": 1, "do": "eat"}, "do must be one of add, remove, promote, demote."),
    ("pay", {"user": "Anna", "outcome": "x"},
     "An outcome is one of pay, close, no_stars, fail_after_check."),
    ("faults", {"kind": "slow", "seconds": -1}, "seconds is at least 0."),
    ("faults", {"kind": "slow", "seconds": 1e308}, "seconds is at most 3600."),
    ("faults", {"kind": "slow", "status": 0}, "A fault needs a kind, or a status between 400 and 599."),
    ("faults", {"kind": "slow", "count": 1.5}, "count must be a number."),
    ("faults/clear", {"ids": 1}, "ids is no known field."),
    ("switches", {"name": "hold", "value": "perhaps"}, "value must be true or false."),
    ("switches", {"name": "forge", "value": "often"}, "value must be a number."),
    ("switches", {"value": True}, "name is required."),
    ("clock/advance", {"period": "day", "times": [1]}, "times must be a number."),
    ("payment-faults", {"provider": "stripe", "status": {}}, "status must be a number."),
    ("sql/run", {"function": "x", "commit": 5}, "commit must be true or false."),
])  # fmt: skip
def test_a_wrong_body_names_the_field(offline: Stack, path: str, body: Any, words: str) -> None:
    assert sentence(post(offline, f"/api/{path}", json.dumps(body).encode())) == words


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"1",
        b'"x"',
        b"\xff",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"user": "Anna", "text": "\\ud800"}',
    ],
)
def test_a_body_that_is_no_object_is_refused_by_every_route(offline: Stack, body: bytes) -> None:
    for method, path, _ in routes(offline):
        if method == "POST":
            assert sentence(post(offline, path, body)) == "The body must be a JSON object."


@pytest.mark.parametrize("text", ['{"a": ' + "[" * 100_000, r'{"\ud800": "\udfff"}', "[]", "{"])
def test_an_edited_update_that_is_no_object_gets_no_number(offline: Stack, text: str) -> None:
    offline.telegram.user("Resender").chat("assistant").send("Hello")
    update = offline.trace.journal.entries()[0].id
    body = json.dumps({"id": update, "body": text, "number": "next"}).encode()
    words = "Only a JSON object can be given a new update_id."
    assert sentence(post(offline, "/api/deliveries/resend", body)) == words


def test_a_body_of_many_levels_is_refused(offline: Stack) -> None:
    offline.telegram.user("Resender").chat("assistant").send("Hello")
    update = offline.trace.journal.entries()[0].id
    sentences = set()
    for levels in range(850, 1000):  # from few enough to too many for Python
        body = b'{"id": "%s", "number": "next", "body": %s}' % (
            update.encode(),
            b"[" * levels + b"]" * levels,
        )
        sentences.add(sentence(post(offline, "/api/deliveries/resend", body)))
    few, many = "Only a JSON object can be given a new update_id.", "The body must be a JSON object."
    assert sentences - {"The body has too many levels."} == {few, many}


def test_null_and_an_empty_field_of_a_form_are_as_good_as_left_out(offline: Stack) -> None:
    body = {"kind": "blocked", "retry_after": "", "chat_id": None, "text": "", "count": None}
    answer = post(offline, "/api/faults", json.dumps(body).encode())
    assert isinstance(answer.body, bytes)
    fault = json.loads(answer.body)["fault"]
    assert (fault.get("retry_after"), fault.get("chat_id"), fault["count"]) == (None, None, 1)
    assert post(offline, "/api/faults/clear", b"").status == 200


def test_a_member_that_is_named_twice_is_one(offline: Stack) -> None:
    berta = offline.telegram.user("Berta", username="berta_b")
    bot = next(iter(offline.telegram.state.bots))
    body = {"title": "Twice", "members": ["Berta", "@berta_b", berta.id], "bots": [bot, bot]}
    answer = post(offline, "/api/groups", json.dumps(body).encode())
    assert isinstance(answer.body, bytes)
    made = json.loads(answer.body)
    assert (made["members"], made["bots"]) == ([berta.id], [bot])


def test_false_as_a_word_switches_off(offline: Stack) -> None:
    for value in ("true", "false"):
        answer = post(offline, "/api/switches", json.dumps({"name": "hold", "value": value}).encode())
        assert isinstance(answer.body, bytes)
        assert json.loads(answer.body)["switches"]["hold"] is (value == "true")


def test_a_query_that_does_not_fit_names_the_field(offline: Stack) -> None:
    headers = {"host": f"127.0.0.1:{offline.server.port}"}
    for path, query, words in (
        ("trace", "limit=all", "limit must be a number."),
        ("logs", "after=x", "after must be a number."),
        ("answer", "user=Anna&timeout=nan", "timeout must be a number."),
        ("answer", "user=Anna&timeout=-1", "timeout is at least 0."),
        ("transcript", "user=Anna&format=xml", "format must be one of json, text."),
        ("chat", "", "user is required."),
    ):
        response = offline.api.handle(Request("GET", f"/api/{path}", query, headers, b""))
        assert response is not None
        assert sentence(response) == words
