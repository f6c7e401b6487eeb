"""Who may use the control API: programs of this machine and the emulator's own page, on every path."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.tools.emulator.control.conftest import Api
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

OTHERS = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "http://localhost.evil.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
)
HOSTS = ("evil.example", "127.0.0.1.evil.example", "127.0.0.1", "0.0.0.0:{port}", "evil.example:{port}", "")

# These need no fields: an empty body clears all faults, or runs the job that the path names.
WITHOUT_FIELDS = ("/api/payment-faults/clear", "/api/faults/clear", "/api/jobs/1")


def routes(stack: Stack) -> list[tuple[str, str]]:
    return [(method, re.sub(r"<\w+>", "1", path)) for method, path, _ in stack.api.routes()]


def test_there_are_routes_to_guard(control: Stack) -> None:
    assert len(routes(control)) >= 15


@pytest.mark.parametrize("headers", OTHERS, ids=str)
def test_another_page_reaches_nothing(api: Api, control: Stack, headers: dict[str, str]) -> None:
    for method, path in routes(control):
        sent = {"Content-Type": "application/json"} | headers
        answer = api.pool.request(method, control.url + path, headers=sent, body=b"{}")
        assert answer.status == 403, (method, path, answer.data)
        assert list(answer.json()) == ["error"]


@pytest.mark.parametrize("host", HOSTS)
def test_another_name_for_this_machine_reaches_nothing(api: Api, control: Stack, host: str) -> None:
    name = host.format(port=control.server.port)
    for method, path in routes(control):
        sent = {"Content-Type": "application/json", "Host": name}
        answer = api.pool.request(method, control.url + path, headers=sent, body=b"{}")
        assert answer.status == 421, (method, path, answer.data)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_a_form_reaches_nothing(api: Api, control: Stack, kind: str) -> None:
    for method, path in routes(control):
        if method == "POST":
            answer = api.pool.request(method, control.url + path, headers={"Content-Type": kind}, body=b"{}")
            assert answer.status == 415, (method, path, answer.data)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"1", b'"text"', b"\xff"])
def test_a_body_that_is_no_object_is_refused(api: Api, control: Stack, body: bytes) -> None:
    for method, path in routes(control):
        if method == "POST" and path not in WITHOUT_FIELDS:
            headers = {"Content-Type": "application/json"}
            answer = api.pool.request(method, control.url + path, headers=headers, body=body)
            assert answer.status == 400, (method, path, answer.data)


def test_a_form_of_another_page_presses_no_button_of_a_checkout(
    api: Api, control: Stack, anna: Chat, order: Callable[..., str]
) -> None:
    number = order(anna, "stripe")
    url = f"{control.url}/pay/stripe/checkout/{number}"
    answer = api.pool.request("POST", url, headers={"Origin": "https://evil.example"}, body=b"do=pay")
    assert answer.status == 403
    assert control.payments["stripe"].invoices[number].state == "open"
